"""The MAP-Elites grid: niches over measured descriptors, each held by the best candidate seen. Pure.

Scores are minimised here; whoever maximises negates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, prod
from typing import Literal, NamedTuple

from speciate.evaluators import Descriptor, ProblemError

from ._proposer import Elite

InsertionResult = Literal["new", "improved", "rejected"]

_EPSILON = 1e-6
"""Pushes a value that lies on a boundary into the upper cell despite rounding; the figure pyribs uses."""


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


@dataclass(frozen=True)
class View:
    """The archive as of one commit (``ArchiveView``)."""

    commits: int
    elites: tuple[Elite, ...]


def cell_of(axes: Sequence[Descriptor], values: Mapping[str, float]) -> int:
    """Return the flat, row-major index of the cell that ``values`` fall in.

    Per axis the bin is ``trunc((bins * (value - low) + 1e-6) / (high - low))``, clipped to the edge bins.
    Raises ProblemError for a descriptor that is missing or not finite.

    >>> axes = (Descriptor(name="a", low=0, high=1, bins=4), Descriptor(name="b", low=0, high=1, bins=2))
    >>> cell_of(axes, {"a": 0.5, "b": 9.0})
    5
    """
    index = 0
    for axis in axes:
        value = values.get(axis.name)
        if value is None or not isfinite(value):
            raise ProblemError(f"expected a finite descriptor {axis.name!r} from the judge, got {value}")
        # Clipping first keeps the product finite for values near the largest double.
        clipped = min(max(value, axis.low), axis.high)
        bin_ = int((axis.bins * (clipped - axis.low) + _EPSILON) / (axis.high - axis.low))
        index = index * axis.bins + min(max(bin_, 0), axis.bins - 1)
    return index


def bins_of(axes: Sequence[Descriptor], cell: int) -> tuple[int, ...]:
    """Return the bin per axis of a flat cell index: the inverse of ``cell_of``'s last step."""
    bins = []
    for axis in reversed(axes):
        cell, bin_ = divmod(cell, axis.bins)
        bins.append(bin_)
    return tuple(reversed(bins))


class Grid:
    """Elites by cell. Only a strictly lower score takes an occupied niche, so ties keep the older holder."""

    def __init__(self, axes: Sequence[Descriptor]):
        self.axes = tuple(axes)
        self.cells = prod(axis.bins for axis in self.axes)
        self._elites: dict[int, Elite] = {}
        self._sorted: tuple[Elite, ...] | None = ()

    def insert(self, ticket: int, score: float, values: Mapping[str, float]) -> Inserted:
        """Offer a candidate to its niche. Raises ProblemError for values without a cell."""
        cell = cell_of(self.axes, values)
        return self.place(Elite(ticket, cell, score))

    def place(self, elite: Elite) -> Inserted:
        """Offer an elite whose cell is known (a replay of the log)."""
        holder = self._elites.get(elite.cell)
        if holder is not None and not elite.score < holder.score:
            return Inserted(elite.cell, elite.score, "rejected", None)
        self._elites[elite.cell] = elite
        self._sorted = None
        return Inserted(elite.cell, elite.score, "new" if holder is None else "improved", holder)

    def holder(self, cell: int) -> Elite | None:
        """Return who holds a niche."""
        return self._elites.get(cell)

    def apply(self, ticket: int, done: Inserted) -> None:
        """Do what was decided elsewhere: by fresh repetitions, or by an earlier sitting (a replay of the log)."""
        holder = self._elites.get(done.cell)
        if done.result != "rejected":
            self._elites[done.cell] = Elite(ticket, done.cell, done.score)
        elif holder is not None and done.holder_score is not None:
            self._elites[done.cell] = holder._replace(score=done.holder_score)
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

    def view(self, commits: int) -> View:
        """Return the grid as it is now, after ``commits`` commits."""
        return View(commits, self.elites)
