import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.agent import Elite, Grid, bins_of, cell_of
from speciate.evaluators import Descriptor, ProblemError

AXES = (
    Descriptor(name="a", low=-1.0, high=3.0, bins=7),
    Descriptor(name="b", low=0.0, high=0.3, bins=3),
)
SCORES = st.floats(-100, 100, allow_nan=False)
# Exact boundaries (-1 + 4 i / 7, 0.1 i) are where index rules differ.
FIRST = st.one_of(st.floats(-3, 5), st.sampled_from([-1 + 4 * i / 7 for i in range(8)]))
SECOND = st.one_of(st.floats(-1, 1), st.sampled_from([0.1, 0.2, 0.3, 0.0, 0.1 + 0.2]))


def test_boundary_value_belongs_to_the_upper_cell_and_the_range_is_clipped():
    axis = (Descriptor(name="x", low=0.0, high=1.0, bins=10),)
    assert [cell_of(axis, {"x": x}) for x in (-5.0, 0.0, 0.3, 0.7, 1.0, 9.0)] == [0, 0, 3, 7, 9, 9]


def test_cells_are_row_major_and_bins_invert_them():
    for cell in range(21):
        first, second = bins_of(AXES, cell)
        assert first * 3 + second == cell
    assert cell_of(AXES, {"a": 2.9, "b": 0.15}) == 6 * 3 + 1


@pytest.mark.parametrize("values", [{"a": 1.0}, {"a": float("nan"), "b": 0.1}, {"a": 1.0, "b": float("inf")}])
def test_values_without_a_cell_are_refused(values):
    with pytest.raises(ProblemError, match="finite descriptor"):
        cell_of(AXES, values)


def test_first_comer_is_new_a_better_one_improves_and_a_tie_is_rejected():
    grid = Grid(AXES)
    values = {"a": 0.0, "b": 0.0}
    assert grid.insert(0, 5.0, values).result == "new"
    assert grid.insert(1, 5.0, values).result == "rejected"
    better = grid.insert(2, 4.0, values)
    assert (better.result, better.replaced) == ("improved", Elite(0, better.cell, 5.0))
    assert [elite.ticket for elite in grid.elites] == [2]


def test_elites_are_ordered_by_score_then_ticket_and_a_view_does_not_change():
    grid = Grid(AXES)
    grid.insert(0, 2.0, {"a": 0.0, "b": 0.0})
    grid.insert(1, 1.0, {"a": 2.0, "b": 0.0})
    view = grid.view(2)
    grid.insert(2, 1.0, {"a": -1.0, "b": 0.0})
    assert [elite.ticket for elite in view.elites] == [1, 0]
    assert [elite.ticket for elite in grid.elites] == [1, 2, 0]
    assert grid.best == grid.elites[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SCORES, FIRST, SECOND), max_size=40))
def test_agrees_with_pyribs(stream):
    if os.environ.get("CI") != "true":
        pytest.importorskip("ribs")
    from ribs.archives import GridArchive

    oracle = GridArchive(
        solution_dim=1,
        dims=[axis.bins for axis in AXES],
        ranges=[(axis.low, axis.high) for axis in AXES],
        qd_score_offset=-200.0,
    )
    grid = Grid(AXES)
    status = {"rejected": 0, "improved": 1, "new": 2}
    for ticket, (score, a, b) in enumerate(stream):
        # pyribs maximises, so it is given the negated score.
        told = oracle.add_single([float(ticket)], -score, [a, b])
        inserted = grid.insert(ticket, score, {"a": a, "b": b})
        assert status[inserted.result] == int(told["status"])
        assert inserted.cell == int(oracle.index_of_single([a, b]))
    data = oracle.data()
    theirs = {
        int(i): (int(s[0]), -o) for i, s, o in zip(data["index"], data["solution"], data["objective"], strict=True)
    }
    assert {elite.cell: (elite.ticket, elite.score) for elite in grid.elites} == theirs
    assert grid.coverage == pytest.approx(oracle.stats.coverage)
    assert grid.qd_score(200.0) == pytest.approx(float(oracle.stats.qd_score))
