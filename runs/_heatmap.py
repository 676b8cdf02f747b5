"""The archive as a heat map of characters, for a terminal or a pipe."""

from typing import NamedTuple

from ._grid import Grid
from ._numbers import quantity

LABEL_WIDTH = 9


class Alphabet(NamedTuple):
    """Characters a map is drawn with."""

    levels: str
    """From the worst elites to the best."""
    empty: str
    best: str
    corner: str
    across: str
    upright: str


ASCII = Alphabet(levels="123456789", empty=".", best="*", corner="+", across="-", upright="|")
BLOCKS = Alphabet(levels="▁▂▃▄▅▆▇█", empty="·", best="◆", corner="└", across="─", upright="│")

COLOURS = (17, 18, 25, 31, 37, 72, 114, 184, 226)
"""256-colour codes from dark blue (worst) to yellow (best): sequential, readable without hue."""


def encodes(encoding: str | None) -> bool:
    """Whether ``encoding`` can write the block characters."""
    try:
        (BLOCKS.levels + BLOCKS.empty + BLOCKS.best).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def draw(grid: Grid, alphabet: Alphabet, *, colour: bool = False) -> list[str]:
    """Return the lines of the map: second descriptor upwards, first one to the right, axes and legend.

    The level of a cell is its rank among the elites, so that a few bad ones do not wash out the rest; empty
    cells are drawn as empty. ``colour`` adds ANSI 256-colour codes.
    """
    columns, rows = grid.shape
    levels = _levels(grid, len(alphabet.levels))
    best = grid.best
    lines = [_y_title(grid)] if len(grid.axes) > 1 else []
    for y in reversed(range(rows)):
        cells = []
        for x in range(columns):
            level = levels.get((x, y))
            if level is None:
                cells.append(alphabet.empty * 2)
            elif best is not None and (x, y) == (best.x, best.y):
                cells.append(_paint(alphabet.best * 2, len(alphabet.levels) - 1, alphabet, colour))
            else:
                cells.append(_paint(alphabet.levels[level] * 2, level, alphabet, colour))
        lines.append(f"{_y_label(grid, y)} {alphabet.upright}{''.join(cells)}")
    lines.append(" " * LABEL_WIDTH + " " + alphabet.corner + alphabet.across * (2 * columns))
    lines += _x_axis(grid)
    return [*lines, *_legend(grid, alphabet, levels, colour)]


def _levels(grid: Grid, count: int) -> dict[tuple[int, int], int]:
    """Rank the cells into ``count`` levels, 0 the worst, ``count - 1`` the best."""
    worst_first = sorted(grid.cells, key=lambda cell: cell.score, reverse=grid.minimize)
    most = max(len(worst_first) - 1, 1)
    if len(worst_first) == 1:
        return {(worst_first[0].x, worst_first[0].y): count - 1}
    return {(cell.x, cell.y): rank * (count - 1) // most for rank, cell in enumerate(worst_first)}


def _paint(text: str, level: int, alphabet: Alphabet, colour: bool) -> str:
    if not colour:
        return text
    code = COLOURS[level * (len(COLOURS) - 1) // (len(alphabet.levels) - 1)]
    return f"\x1b[38;5;{code}m{text}\x1b[0m"


def _axis_title(grid: Grid, number: int) -> str:
    axis = grid.axes[number]
    return axis.name.replace("_", " ") + (f" [{axis.unit}]" if axis.unit else "")


def _y_title(grid: Grid) -> str:
    return f"{_axis_title(grid, 1)} ^"


def _y_label(grid: Grid, y: int) -> str:
    if len(grid.axes) < 2:
        return " " * LABEL_WIDTH
    axis = grid.axes[1]
    if axis.categories:
        return axis.categories[y][:LABEL_WIDTH].rjust(LABEL_WIDTH)
    step = (axis.high - axis.low) / axis.bins
    if y not in (0, axis.bins - 1) and (y % 2 or axis.bins < 4):
        return " " * LABEL_WIDTH
    return f"{axis.low + y * step:.3g}".rjust(LABEL_WIDTH)


def _x_axis(grid: Grid) -> list[str]:
    axis = grid.axes[0]
    width, pad = 2 * axis.bins, " " * (LABEL_WIDTH + 2)
    if axis.categories:
        names = ", ".join(f"{number} {name}" for number, name in enumerate(axis.categories, 1))
        numbers = "".join(f"{number:<2}" for number in range(1, axis.bins + 1))
        return [pad + numbers.rstrip(), f"{pad}{_axis_title(grid, 0)} > {names}"]
    low, high = f"{axis.low:.3g}", f"{axis.high:.3g}"
    scale = low + " " * max(1, width - len(low) - len(high)) + high
    return [pad + scale, pad + _axis_title(grid, 0) + " >"]


def _legend(grid: Grid, alphabet: Alphabet, levels: dict[tuple[int, int], int], colour: bool) -> list[str]:
    coverage = f"{grid.filled} of {grid.niches} niches filled ({grid.filled / grid.niches:.0%})"
    best = grid.best
    if best is None:
        return [f"{coverage}; {alphabet.empty} empty"]
    worst = next(cell.score for cell in grid.cells if levels[cell.x, cell.y] == min(levels.values()))
    ramp = "".join(_paint(sign, level, alphabet, colour) for level, sign in enumerate(alphabet.levels))
    return [
        f"score {quantity(worst)} {ramp} {quantity(best.score)} (by rank; right is better)",
        f"{alphabet.best} best   {alphabet.empty} empty   {coverage}",
    ]
