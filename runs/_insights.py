"""What the researchers of a run wrote down: hypotheses and insights, also of tickets that ended without a design."""

import math

from speciate.agent import Archive
from speciate.agent.researcher import RESEARCH, insight_of
from speciate.evaluators import Frozen

MOST = 12
"""Insights in a report."""


class Learnt(Frozen):
    """What one ticket for research came to. Its texts are a model's: untrusted."""

    ticket: int
    outcome: str
    score: float | None
    hypothesis: str
    insight: str


def learnt(archive: Archive, run_id: str, *, minimize: bool) -> tuple[Learnt, ...]:
    """Return what was learnt, of the best designs first and without a design last; at most ``MOST``."""
    found = []
    for ticket in archive.tickets(run_id):
        if ticket.draw.operator != RESEARCH or ticket.outcome is None:
            continue
        record = next(reversed(archive.candidates_of(run_id, ticket.number)), None)
        judged = archive.evaluation_of(run_id, ticket.number, record.turn) if record else None
        insight = record.reasons.insight if record else insight_of(ticket.note)
        if insight:
            told = {"hypothesis": record.reasons.hypothesis if record else "", "insight": insight}
            score = judged.evaluation.score if judged else None
            found.append(Learnt(ticket=ticket.number, outcome=ticket.outcome, score=score, **told))

    def rank(each: Learnt) -> float:
        return math.inf if each.score is None else each.score if minimize else -each.score

    return tuple(sorted(found, key=rank)[:MOST])
