"""The MAP-Elites index: niches over measured descriptors, each held by the best candidate seen. Pure.

Scores are minimised here; whoever maximises negates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from speciate.evaluators import Descriptor

from ._fronts import Fronts, values_of
from ._proposer import Draw, Elite
from ._tessellation import Bins, Tessellation

if TYPE_CHECKING:
    from ._history import Past

InsertionResult = Literal["new", "improved", "rejected"]


class Inserted(NamedTuple):
    """What one candidate did to its niche."""

    cell: int
    score: float
    result: InsertionResult
    replaced: Elite | None
    """The elite that lost the niche."""
    repetitions: int = 0
    """Fresh repetitions that candidate and holder were given, where the problem is noisy."""
    decided: bool | None = None
    """Whether the interval decided between the two; None where nobody held the niche or nothing was repeated."""
    holder_score: float | None = None
    """Of the former holder after its fresh repetitions: what it is worth if it keeps the niche."""
    further: tuple[float, ...] = ()
    """The candidate's further objectives, minimised."""


@dataclass(frozen=True)
class View:
    """The archive as of one commit (``ArchiveView``)."""

    commits: int
    elites: tuple[Elite, ...]
    history: tuple["Past", ...] = ()
    under_way: tuple[Draw, ...] = ()
    fronts: Mapping[int, Sequence[Elite]] = field(default_factory=dict)


class Grid:
    """Elites by cell. A strictly lower score takes an occupied niche; ties keep the older holder, unless it yields.

    Args:
        niches: how the space of the descriptors is divided; descriptors alone mean their grid of bins.
        front: most designs on a niche's front, where they have several objectives.
    """

    def __init__(self, niches: Tessellation | Sequence[Descriptor], front: int = 1):
        self.tessellation: Tessellation = Bins(niches) if isinstance(niches, Sequence) else niches
        self.cells = self.tessellation.cells
        self._elites: dict[int, Elite] = {}
        self._sorted: tuple[Elite, ...] | None = ()
        self._fronts = Fronts(front)

    def insert(
        self,
        ticket: int,
        score: float,
        values: Mapping[str, float],
        further: tuple[float, ...] = (),
        yields: Callable[[Elite], bool] | None = None,
    ) -> Inserted:
        """Offer a candidate to its niche; see ``place``. Raises ProblemError for values without a cell."""
        return self.place(Elite(ticket, self.tessellation.cell_of(values), score, further), yields)

    def place(self, elite: Elite, yields: Callable[[Elite], bool] | None = None) -> Inserted:
        """Offer an elite whose cell is known (a replay of the log).

        ``yields`` tells whether a holder that is as good to the bit, in every objective, gives way.
        """
        holder = self._elites.get(elite.cell)
        self._fronts.offer(elite)
        gives_way = holder and yields and values_of(holder) == values_of(elite) and yields(holder)
        if holder is not None and not elite.score < holder.score and not gives_way:
            return Inserted(elite.cell, elite.score, "rejected", None, further=elite.further)
        self._elites[elite.cell] = elite
        self._sorted = None
        result: InsertionResult = "new" if holder is None else "improved"
        return Inserted(elite.cell, elite.score, result, holder, further=elite.further)

    def holder(self, cell: int) -> Elite | None:
        """Return who holds a niche."""
        return self._elites.get(cell)

    def apply(self, ticket: int, done: Inserted) -> None:
        """Do what was decided elsewhere: by fresh repetitions, or by an earlier sitting (a replay of the log)."""
        holder = self._elites.get(done.cell)
        mine = Elite(ticket, done.cell, done.score, done.further)
        if holder is not None and done.holder_score is not None:
            self._elites[done.cell] = holder._replace(score=done.holder_score)
            self._fronts.offer(self._elites[done.cell])
        if done.result != "rejected":
            self._elites[done.cell] = mine
        self._fronts.offer(mine)
        self._sorted = None

    @property
    def elites(self) -> tuple[Elite, ...]:
        """Holders of all niches, best first, ties by ticket."""
        if self._sorted is None:
            self._sorted = tuple(sorted(self._elites.values(), key=lambda elite: (elite.score, elite.ticket)))
        return self._sorted

    @property
    def best(self) -> Elite | None:
        """The best of all; None while the grid is empty."""
        return self.elites[0] if self.elites else None

    @property
    def coverage(self) -> float:
        """Share of cells that are held, 0 to 1."""
        return len(self._elites) / self.cells

    def qd_score(self, worst: float) -> float:
        """Return the sum over niches of how far each elite is better than ``worst`` (in score units)."""
        return sum(worst - elite.score for elite in self._elites.values())

    @property
    def mean(self) -> float | None:
        """Mean score of the elites; None while there are none."""
        return sum(elite.score for elite in self._elites.values()) / len(self._elites) if self._elites else None

    def view(self, commits: int) -> View:
        """Return the grid as it is now, after ``commits`` commits."""
        return View(commits, self.elites, fronts=self._fronts.seen)
