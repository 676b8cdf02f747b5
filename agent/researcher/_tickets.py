"""Tickets for research: which ones are, by a draw from their own generators, and what is noted of those in vain."""

from dataclasses import replace
from random import Random

from .._evaluation_budget import ALLOWED
from .._proposer import Draw
from .._settings import RunSettings

RESEARCH = "research"
"""Operator of such a ticket."""


_LEARNT = "\ninsight: "


def noted(why: str, insight: str) -> str:
    """Return the note of a ticket that ended without a design: why, in a line, and each insight in one of its own."""
    return "".join([" ".join(why.split()), *(f"{_LEARNT}{line}" for line in insight.splitlines())])


def insight_of(note: str) -> str:
    """Return the insights in such a note, a line each.

    >>> insight_of(noted("gave up: too slow", "the queue is never long"))
    'the queue is never long'
    """
    return "\n".join(note.split(_LEARNT)[1:])


def drawn(draw: Draw, settings: RunSettings, rng: Random) -> Draw:
    """Return a draw as it is, or made one for research with as many experiments as the run gives a ticket.

    Model, parents and seed stay as drawn. In a run that only evolves, ``rng`` is left alone.
    """
    chosen = settings.mode == "researcher"
    if settings.mode == "mixed":
        chosen = rng.random() < settings.research.share
    if not chosen:
        return draw
    extra = {**draw.extra, ALLOWED: settings.research.experiments}
    return replace(draw, operator=RESEARCH, variant="", extra=extra)
