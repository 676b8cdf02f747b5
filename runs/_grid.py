"""The archive as a picture-ready grid: where each elite lies over the first two descriptors."""

from collections.abc import Sequence
from math import prod
from typing import Any

from pydantic import Field
from speciate.agent import EliteRecord, bins_of
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
    """Elites over at most two axes; with more descriptors a cell shows the best along the others."""

    axes: tuple[Descriptor, ...] = Field(max_length=2)
    cells: tuple[Cell, ...]
    """By (x, y)."""
    niches: int
    """Cells of the whole archive, over all its descriptors."""
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


def grid_of(problem: Problem[Any], elites: Sequence[EliteRecord]) -> Grid:
    """Return the picture of an archive of ``problem``."""
    minimize = problem.objective.direction == "minimize"
    shown: dict[tuple[int, int], Cell] = {}
    for elite in elites:
        x, y = (*bins_of(problem.descriptors, elite.cell), 0)[:2]
        held = shown.get((x, y))
        if held is None or (elite.score < held.score) == minimize:
            shown[x, y] = Cell(x=x, y=y, score=elite.score, ticket=elite.ticket, candidate_id=elite.candidate_id)
    return Grid(
        axes=tuple(problem.descriptors[:2]),
        cells=tuple(shown[key] for key in sorted(shown)),
        niches=prod(axis.bins for axis in problem.descriptors),
        filled=len(elites),
        minimize=minimize,
    )
