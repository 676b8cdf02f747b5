"""The hard limit on evaluations, in which experiments count by the workload.

As many experiments, each a design on one train workload, as there are train workloads are one evaluation. What an
open ticket may still use is held for it: one evaluation for its candidate, and the experiments it was issued with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ._proposer import Draw
from ._records import TicketRecord

ALLOWED = "experiments"
"""In ``Draw.extra``: how many experiments the ticket may make."""


@dataclass
class EvaluationBudget:
    """What of a run's evaluations is used, kept up by the loop at each commit.

    Args:
        limit: evaluations of the run; None for no limit.
        workloads: train workloads of the problem: so many experiments are one evaluation.
        judged: candidates that were committed as judged.
        experiments: made by committed tickets.
    """

    limit: int | None
    workloads: int
    judged: int = 0
    experiments: int = 0

    @property
    def words(self) -> str:
        """What is used of it."""
        if not self.experiments:
            return f"{self.judged} evaluations"
        worth = -(-self.experiments // self.workloads)
        return f"{self.judged} evaluations and {self.experiments} experiments, which are worth {worth}"

    @property
    def used_up(self) -> bool:
        """Whether no further candidate can be judged, whatever becomes of the tickets in flight."""
        return self._left({}) < self.workloads

    def has_room(self, open_: Mapping[int, TicketRecord]) -> bool:
        """Return whether a ticket may be issued beside those that are open."""
        return self._left(open_) >= self.workloads

    def allowed(self, draw: Draw, open_: Mapping[int, TicketRecord]) -> Draw:
        """Return a draw with as many of the experiments it asks for as there is room for, beside its own judging."""
        if ALLOWED not in draw.extra:
            return draw
        room = self._left(open_) - self.workloads
        return replace(draw, extra={**draw.extra, ALLOWED: int(min(draw.extra[ALLOWED], room))})

    def _left(self, open_: Mapping[int, TicketRecord]) -> float:
        """Return how many workloads may still be measured when all that is open has had its own."""
        if self.limit is None:
            return float("inf")
        held: int = sum(self.workloads + ticket.draw.extra.get(ALLOWED, 0) for ticket in open_.values())
        return (self.limit - self.judged) * self.workloads - self.experiments - held
