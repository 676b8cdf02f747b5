"""The archive as a picture-ready grid: where each elite lies over the first two descriptors."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from speciate.agent import EliteRecord, Tessellating, bins_of, cell_of, tessellation_of
from speciate.agent._tessellation import Centroids
from speciate.evaluators import Descriptor, Frozen, Problem


class Cell(Frozen):
    """One filled cell of the picture."""

    x: int
    """Bin of the first descriptor."""
    y: int
    """Bin of the second descriptor; 0 where there is only one."""
    score: float
    ticket: int
    candidate_id: str


class Grid(Frozen):
    """Elites over at most two axes; with more descriptors a cell shows the best along the others.

    The picture has the axes' bins also where the niches are those of centroids: an elite lies at its niche's centroid,
    and a cell shows the best in it.
    """

    axes: tuple[Descriptor, ...] = Field(max_length=2)
    cells: tuple[Cell, ...]
    """By (x, y)."""
    niches: int
    """Niches of the whole archive, over all its descriptors."""
    filled: int
    """Niches of the whole archive that are held."""
    minimize: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Bins along x and y."""
        bins = [axis.bins for axis in self.axes] + [1, 1]
        return bins[0], bins[1]

    @property
    def best(self) -> Cell | None:
        """The cell of the best score, ties by ticket."""
        sign = 1.0 if self.minimize else -1.0
        return min(self.cells, key=lambda cell: (sign * cell.score, cell.ticket), default=None)


def grid_of(problem: Problem[Any], elites: Sequence[EliteRecord], archive: Tessellating) -> Grid:
    """Return the picture of an archive of ``problem`` that a run laid out as ``archive``."""
    minimize = problem.objective.direction == "minimize"
    shown: dict[tuple[int, int], Cell] = {}
    niches = tessellation_of(problem.descriptors, archive)
    for elite in elites:
        cell = elite.cell
        if isinstance(niches, Centroids):
            cell = cell_of(problem.descriptors, niches.centre(cell))
        x, y = (*bins_of(problem.descriptors, cell), 0, 0)[:2]
        held = shown.get((x, y))
        if held is None or (elite.score < held.score) == minimize:
            shown[x, y] = Cell(x=x, y=y, score=elite.score, ticket=elite.ticket, candidate_id=elite.candidate_id)
    return Grid(
        axes=tuple(problem.descriptors[:2]),
        cells=tuple(shown[key] for key in sorted(shown)),
        niches=niches.cells,
        filled=len(elites),
        minimize=minimize,
    )
