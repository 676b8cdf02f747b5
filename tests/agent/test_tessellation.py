import asyncio
import math
import sqlite3

import pytest
from pydantic import ValidationError
from speciate.agent import (
    Budget,
    GeneticProposer,
    Grid,
    RunSettings,
    Tessellating,
    create_run,
    open_archive,
    search,
    tessellation_of,
)
from speciate.agent._tessellation import Bins, Centroids, laid_out, lloyd
from speciate.evaluators import Descriptor, Measurement, ProblemError, ProblemRef, SpeciateError
from synthetic_problem import RoutingProblem, routing_judge

A = Descriptor(name="a", low=0.0, high=10.0, bins=5)
ORDER = Descriptor.of("order", ("fifo", "sjf", "edf"), about="whose turn it is")
PROBLEM = RoutingProblem()
CVT = Tessellating(kind="cvt", niches=12)


def spread(points):
    """Mean squared distance of a lattice of the unit square to the nearest point."""
    lattice = [(x / 20, y / 20) for x in range(21) for y in range(21)]
    return sum(min(math.dist(at, point) ** 2 for point in points) for at in lattice) / len(lattice)


def test_lloyd_spreads_points_and_depends_on_its_seed_only():
    points = lloyd(16, 2, seed=1)
    assert points == lloyd(16, 2, seed=1) != lloyd(16, 2, seed=2)
    assert len(set(points)) == 16
    assert all(0 <= value <= 1 for point in points for value in point)
    square = [(x / 4 + 1 / 8, y / 4 + 1 / 8) for x in range(4) for y in range(4)]
    assert spread(points) < 1.15 * spread(square)


def test_nearest_centroid_by_hand_ties_to_the_first_and_clipping():
    niches = Centroids((A,), ((0.0,), (0.5,), (1.0,)))
    assert niches.cells == 3
    assert [niches.cell_of({"a": a}) for a in (-99.0, 2.4, 2.5, 2.6, 7.6, 99.0)] == [0, 0, 0, 1, 2, 2]


def test_categories_are_bins_and_multiply_the_centroids():
    assert [Bins((ORDER,)).cell_of({"order": n}) for n in (0.0, 1.0, 2.0)] == [0, 1, 2]
    niches = Centroids((A, ORDER), ((0.0,), (1.0,)))
    assert niches.cells == 6
    assert niches.cell_of({"a": 9.0, "order": ORDER.number("sjf")}) == 3
    assert [niches.cell_of(niches.centre(cell)) for cell in range(6)] == list(range(6))


@pytest.mark.parametrize("value", [-1.0, 0.5, 3.0])
@pytest.mark.parametrize("niches", [Bins((A, ORDER)), Centroids((A, ORDER), ((0.0,), (1.0,)))])
def test_number_of_no_category_is_refused(niches, value):
    with pytest.raises(ProblemError, match=r"category as descriptor 'order'.*0 to 2, got"):
        niches.cell_of({"a": 1.0, "order": value})


@pytest.mark.parametrize("a", [None, math.nan, math.inf])
def test_centroids_refuse_values_that_are_not_finite(a):
    with pytest.raises(ProblemError, match="finite descriptor 'a'"):
        Centroids((A,), ((0.0,), (1.0,))).cell_of({} if a is None else {"a": a})


def test_centroids_of_another_problem_are_refused():
    with pytest.raises(SpeciateError, match="centroids of 1 coordinates"):
        Centroids((A, ORDER), ((0.0, 0.5),))


def test_cvt_needs_a_numeric_descriptor():
    with pytest.raises(SpeciateError, match="numeric descriptor"):
        laid_out((ORDER,), CVT)


def test_categorical_axis_fills_in_its_range_and_refuses_another():
    assert (ORDER.low, ORDER.high, ORDER.bins, ORDER.number("edf")) == (0.0, 3.0, 3, 2.0)
    assert Descriptor.model_validate(ORDER.model_dump()) == ORDER
    with pytest.raises(ValueError, match="fifo, sjf, edf"):
        ORDER.number("lifo")
    for told in ({"categories": ["a", "a"]}, {"categories": ["a", "b"], "bins": 5}):
        with pytest.raises(ValidationError, match="categories that differ"):
            Descriptor.model_validate({"name": "x", **told})


def test_a_design_has_its_commonest_category_the_first_of_equals():
    class Ordered(RoutingProblem):
        descriptors = (A, ORDER)

    def described(*orders):
        told = [Measurement(workload="w", objective=1.0, descriptors={"a": 2.0, "order": n}) for n in orders]
        return Ordered().describe(told)

    assert described(2.0, 1.0, 2.0) == {"a": 2.0, "order": 2.0}
    assert described(2.0, 1.0) == {"a": 2.0, "order": 1.0}


def test_cvt_run_keeps_its_centroids_and_a_resumed_one_ends_alike(tmp_path):
    logs = []
    for name, sittings in (("whole", (30,)), ("resumed", (12, 30))):
        archive = open_archive(tmp_path / name, create=True)
        settings = RunSettings(
            problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=sittings[0]), archive=CVT
        )
        run_id = create_run(archive, settings, PROBLEM, [PROBLEM.seed()])
        kept = archive.run(run_id).settings.archive
        assert len(kept.centroids) == 12
        for evaluations in sittings:
            larger = archive.run(run_id).settings.model_copy(update={"budget": Budget(evaluations=evaluations)})
            archive.set_settings(run_id, larger)
            asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), routing_judge))
        log = archive.insertions(run_id)
        niches = tessellation_of(PROBLEM.descriptors, archive.run(run_id).settings.archive)
        ours = Grid(niches)
        for entry in log:
            word = archive.evaluation_of(run_id, entry.ticket, 0)
            assert ours.insert(entry.ticket, entry.score, word.evaluation.descriptors).cell == entry.cell
        assert {elite.ticket for elite in archive.elites(run_id)} == {elite.ticket for elite in ours.elites}
        logs.append((kept, log[:12]))
        archive.close()
    assert logs[0] == logs[1]


def test_racing_is_refused_with_centroids_before_there_is_a_run(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    settings = RunSettings(
        problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=5), archive=CVT, racing=True
    )
    with pytest.raises(SpeciateError, match="--archive grid"):
        create_run(archive, settings, PROBLEM, [PROBLEM.seed()])
    assert archive.runs() == []
    archive.close()


def test_run_written_before_there_were_tessellations_is_a_grid(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    settings = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=5))
    run_id = create_run(archive, settings, PROBLEM, [PROBLEM.seed()])
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute("UPDATE runs SET settings = json_remove(settings, '$.archive')")
    assert archive.run(run_id).settings.archive.kind == "grid"
    archive.close()
