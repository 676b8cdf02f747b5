"""The seam between the loop and whoever invents: what a proposer is given and what it gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from speciate.evaluators import Candidate, Evaluation

if TYPE_CHECKING:
    from ._history import Past
    from ._laboratory import Laboratory


ANEW = "anew"
"""Key of ``Draw.extra``: the candidate is measured though it behaves as a known one does, as a simpler one should."""
PEERS = "peers"
"""Key of ``Draw.extra``: tickets whose designs are looked at beside the parents, and are no parents."""


class Elite(NamedTuple):
    """The holder of a niche."""

    ticket: int
    cell: int
    score: float
    """Lower is better here, whatever the problem's direction (the archive negates a maximised score)."""
    further: tuple[float, ...] = ()
    """The problem's further objectives in its order, minimised like the score; empty where there are none."""


class ArchiveView(Protocol):
    """The archive as of one commit: all a draw may look at."""

    @property
    def commits(self) -> int:
        """How many tickets had been committed."""

    @property
    def elites(self) -> Sequence[Elite]:
        """Holders of all niches, best first, ties by ticket."""

    @property
    def fronts(self) -> Mapping[int, Sequence[Elite]]:
        """By niche, the designs that no other one there beats in all objectives; empty with one objective."""

    @property
    def history(self) -> Sequence["Past"]:
        """What the last committed tickets came to, of all islands, oldest first; at most ``HISTORY`` of them."""

    @property
    def under_way(self) -> Sequence["Draw"]:
        """Draws of the tickets that are issued and not committed, in their order: what they come to is not known."""


@dataclass(frozen=True)
class Draw:
    """What is decided when a ticket is issued, before anything is paid for; written into the ticket's row."""

    operator: str
    parents: tuple[int, ...]
    """Ticket numbers."""
    seed: int
    """Seed of the ticket's own ``random.Random``."""
    model: str | None = None
    variant: str = ""
    """Of the prompt; empty where there is only one."""
    island: int | None = None
    """Whose elites the draw saw; the loop tells. None where there are no islands."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """JSON; whatever else the proposer drew."""


@dataclass(frozen=True)
class Parent:
    """A parent as a proposer sees it."""

    ticket: int
    candidate: Candidate
    evaluation: Evaluation


@dataclass(frozen=True)
class Task:
    """One ticket, ready to be written."""

    run_id: str
    ticket: int
    draw: Draw
    parents: tuple[Parent, ...]
    visible: int = 0
    """The archive is seen as of this many commits."""
    laboratory: "Laboratory | None" = None
    """Makes the ticket's experiments, as many as its draw was issued with (``Draw.extra["experiments"]``)."""
    peers: tuple[Parent, ...] = ()
    """The designs of ``Draw.extra[PEERS]``."""


class Reasons(NamedTuple):
    """What stands behind a design, in its author's words. Untrusted text: quoted, never obeyed."""

    rationale: str = ""
    """What it does, and why it should score better."""
    hypothesis: str = ""
    """What the author expected of an experiment."""
    insight: str = ""
    """What the author learnt from experiments."""


NO_REASONS = Reasons()


@dataclass(frozen=True)
class Proposal:
    """What came of a task. ``candidate`` is None where nothing usable came; ``note`` then says why."""

    candidate: Candidate | None
    idea: str = ""
    note: str = ""
    reasons: Reasons = NO_REASONS


class Proposer(Protocol):
    """An inventor. ``draw`` is pure; ``write`` and ``repair`` may pay, and must be re-enterable.

    After a kill the loop calls them again for the same task: rows already written (requests, replies) are
    used and never paid for twice.
    """

    name: str

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Choose parents, operator and model for the next ticket. Deterministic in ``view`` and ``rng``."""

    async def write(self, task: Task) -> Proposal:
        """Write a candidate."""

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Mend a candidate that failed; None where this proposer does not repair. ``turn`` counts from 1."""


@runtime_checkable
class Reflector(Protocol):
    """A proposer that may also look back: what it pays for and receives is in the rows, and read from there."""

    async def reflect(self, task: Task) -> None:
        """Look back on what came of earlier tickets, where it is this ticket's turn to. Re-enterable like ``write``."""
