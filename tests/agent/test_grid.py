import pytest
from speciate.agent import Elite, Grid, bins_of, cell_of
from speciate.evaluators import Descriptor, ProblemError

AXES = (
    Descriptor(name="a", low=-1.0, high=3.0, bins=7),
    Descriptor(name="b", low=0.0, high=0.3, bins=3),
)


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
