"""The archive as characters."""

import re

import pytest
from speciate.agent import EliteRecord, Tessellating
from speciate.evaluators import Descriptor
from speciate.runs._grid import Cell, Grid, grid_of
from speciate.runs._heatmap import ASCII, BLOCKS, draw, encodes
from synthetic_problem import RoutingProblem


def grid(cells: dict[tuple[int, int], float], *, minimize: bool = True, axes: int = 2) -> Grid:
    both = (
        Descriptor(name="central_wait", low=0.0, high=1.0, bins=4, unit="share"),
        Descriptor(name="size_bias", low=-0.4, high=0.8, bins=3, unit="rank correlation"),
    )[:axes]
    filled = tuple(
        Cell(x=x, y=y, score=score, ticket=i, candidate_id=f"c{i}") for i, ((x, y), score) in enumerate(cells.items())
    )
    return Grid(axes=both, cells=filled, niches=12 if axes == 2 else 4, filled=len(filled), minimize=minimize)


def test_the_whole_map_in_ascii() -> None:
    drawn = draw(grid({(0, 0): 3.0, (1, 0): 2.0, (3, 2): 1.0}), ASCII)
    assert drawn == [
        "size bias [rank correlation] ^",
        "      0.4 |......**",
        "          |........",
        "     -0.4 |1155....",
        "          +--------",
        "           0      1",
        "           central wait [share] >",
        "score 3 123456789 1 (by rank; right is better)",
        "* best   . empty   3 of 12 niches filled (25%)",
    ]


def test_a_maximised_score_puts_the_highest_on_the_best_level() -> None:
    drawn = "\n".join(draw(grid({(0, 0): 3.0, (1, 0): 2.0, (3, 2): 1.0}, minimize=False), ASCII))
    assert "|**55...." in drawn
    assert "score 1 123456789 3" in drawn


def test_an_empty_archive_shows_only_empty_cells() -> None:
    drawn = draw(grid({}), ASCII)
    assert all(line.endswith("|........") for line in drawn if "|" in line)
    assert drawn[-1] == "0 of 12 niches filled (0%); . empty"


def test_one_descriptor_is_one_row() -> None:
    drawn = draw(grid({(2, 0): 1.0}, axes=1), ASCII)
    assert [line for line in drawn if "|" in line] == ["          |....**.."]


def test_colour_adds_codes_and_changes_no_character() -> None:
    plain = draw(grid({(0, 0): 3.0, (1, 0): 2.0}), BLOCKS)
    coloured = draw(grid({(0, 0): 3.0, (1, 0): 2.0}), BLOCKS, colour=True)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured] == plain
    assert any("\x1b[38;5;" in line for line in coloured)


@pytest.mark.parametrize(("encoding", "can"), [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False)])
def test_blocks_are_used_only_where_they_can_be_written(encoding: str | None, can: bool) -> None:
    assert encodes(encoding) is can
    assert "".join(draw(grid({(0, 0): 3.0}), ASCII)).isascii()


def test_categories_are_named_on_both_axes() -> None:
    axes = (Descriptor.of("order", ("fifo", "sjf")), Descriptor.of("place", ("first-fit-decreasing", "best")))
    cells = (
        Cell(x=0, y=0, score=2.0, ticket=0, candidate_id="a"),
        Cell(x=1, y=1, score=1.0, ticket=1, candidate_id="b"),
    )
    assert draw(Grid(axes=axes, cells=cells, niches=4, filled=2, minimize=True), ASCII)[:6] == [
        "place ^",
        "     best |..**",
        "first-fit |11..",
        "          +----",
        "           1 2",
        "           order > 1 fifo, 2 sjf",
    ]


def test_niches_of_centroids_are_drawn_at_their_centroids() -> None:
    chosen = Tessellating(kind="cvt", niches=2, centroids=((0.2, 0.2), (0.8, 0.8)))
    elites = [
        EliteRecord(7, 0, "a", 1.0, {}, "seed"),
        EliteRecord(8, 1, "b", 2.0, {}, "seed"),
    ]
    drawn = grid_of(RoutingProblem(), elites, chosen)
    assert [(cell.x, cell.y, cell.ticket) for cell in drawn.cells] == [(1, 0, 7), (4, 3, 8)]
    assert (drawn.niches, drawn.filled) == (2, 2)
