"""Which tickets are for research: decided when a ticket is drawn, from its own generator."""

from dataclasses import replace
from random import Random

from .._evaluation_budget import ALLOWED
from .._proposer import Draw
from .._settings import RunSettings

RESEARCH = "research"
"""Operator of such a ticket."""


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
