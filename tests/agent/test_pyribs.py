"""Our niches against pyribs' archives, insertion by insertion: grid, CVT with the same centroids, and categories."""

from types import ModuleType

import numpy as np
import pytest
from conftest import missing
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.agent import Grid
from speciate.agent._tessellation import Bins, Centroids, lloyd
from speciate.evaluators import Descriptor

STATUS = {"rejected": 0, "improved": 1, "new": 2}
OFFSET = 200.0
"""Worse than every score below."""
A = Descriptor(name="a", low=-1.0, high=3.0, bins=7)
B = Descriptor(name="b", low=0.0, high=0.3, bins=3)
ORDER = Descriptor.of("order", ("fifo", "sjf", "edf"))
PLACE = Descriptor.of("place", ("first", "best"))
POINTS = lloyd(9, 2, seed=4)
SCORES = st.one_of(st.floats(-100, 100, allow_nan=False), st.sampled_from([0.0, 1.0, 1.5]))
# Exact boundaries (-1 + 4 i / 7, 0.1 i) are where index rules differ.
FIRST = st.one_of(st.floats(-3, 5), st.sampled_from([-1 + 4 * i / 7 for i in range(8)]))
SECOND = st.one_of(st.floats(-1, 1), st.sampled_from([0.1, 0.2, 0.3, 0.0, 0.1 + 0.2]))


@pytest.fixture(scope="module")
def pyribs() -> ModuleType:
    """Its archives. To import them takes seconds, which each process that collects these tests would spend."""
    try:
        from ribs import archives
    except ImportError:
        missing("pyribs is not installed")
    return archives


def compare(ours, oracle, stream):
    """Feed both the same (score, our values, their measures), and compare after every insertion.

    So is a grid whose designs have further objectives: what fronts keep changes nothing of who holds a niche.
    """
    several = Grid(ours.tessellation, front=3)
    for ticket, (score, values, measures) in enumerate(stream):
        # pyribs maximises, so it is given the negated score.
        told = oracle.add_single([float(ticket)], -score, measures)
        inserted = ours.insert(ticket, score, values)
        further = several.insert(ticket, score, values, (float(ticket % 5), -float(ticket % 3)))
        assert (further.result, further.cell, further.score) == (inserted.result, inserted.cell, inserted.score)
        assert STATUS[inserted.result] == int(told["status"])
        assert inserted.cell == int(oracle.index_of_single(measures))
        stats = oracle.stats
        assert (len(ours.elites), -ours.best.score) == (stats.num_elites, stats.obj_max)
        assert ours.coverage == pytest.approx(float(stats.coverage))
        assert ours.qd_score(OFFSET) == pytest.approx(float(stats.qd_score))
        assert -ours.mean == pytest.approx(float(stats.obj_mean))
    data = oracle.data()
    held = zip(data["index"], data["solution"], data["objective"], strict=True)
    assert {elite.cell: (elite.ticket, elite.score) for elite in ours.elites} == {
        int(index): (int(solution[0]), -objective) for index, solution, objective in held
    }
    assert ours.cells == oracle.cells
    assert [elite[:3] for elite in several.elites] == [elite[:3] for elite in ours.elites]
    assert several.qd_score(OFFSET) == ours.qd_score(OFFSET)
    assert all(len(front) <= 3 for front in several.view(0).fronts.values())


@settings(max_examples=60)
@given(st.lists(st.tuples(SCORES, FIRST, SECOND), max_size=40))
def test_grid_agrees(pyribs, stream):
    axes = (A, B)
    oracle = pyribs.GridArchive(
        solution_dim=1,
        dims=[axis.bins for axis in axes],
        ranges=[(axis.low, axis.high) for axis in axes],
        qd_score_offset=-OFFSET,
    )
    compare(Grid(Bins(axes)), oracle, [(score, {"a": a, "b": b}, [a, b]) for score, a, b in stream])


def unit(a, b):
    """Where our values lie in the unit square, clipped."""
    return [min(max((v - axis.low) / (axis.high - axis.low), 0.0), 1.0) for v, axis in ((a, A), (b, B))]


def clear(a, b):
    """Whether one centroid is nearest beyond what two ways to compute a distance may differ by."""
    nearest = np.sort(((np.asarray(POINTS) - unit(a, b)) ** 2).sum(axis=1))
    return nearest[1] - nearest[0] > 1e-12


@settings(max_examples=60)
@given(st.lists(st.tuples(SCORES, FIRST, SECOND).filter(lambda each: clear(*each[1:])), max_size=40))
def test_cvt_agrees(pyribs, stream):
    oracle = pyribs.CVTArchive(solution_dim=1, centroids=POINTS, ranges=[(0, 1), (0, 1)], qd_score_offset=-OFFSET)
    ours = Grid(Centroids((A, B), POINTS))
    compare(ours, oracle, [(score, {"a": a, "b": b}, unit(a, b)) for score, a, b in stream])


@settings(max_examples=60)
@given(st.lists(st.tuples(SCORES, st.sampled_from(ORDER.categories), st.sampled_from(PLACE.categories)), max_size=40))
def test_categories_agree(pyribs, stream):
    axes = (ORDER, PLACE)
    oracle = pyribs.CategoricalArchive(
        solution_dim=1, categories=[axis.categories for axis in axes], qd_score_offset=-OFFSET
    )
    told = [
        ({"order": ORDER.number(order), "place": PLACE.number(place)}, [order, place]) for _, order, place in stream
    ]
    compare(Grid(Bins(axes)), oracle, [(each[0], *both) for each, both in zip(stream, told, strict=True)])


@settings(max_examples=40)
@given(st.lists(st.tuples(SCORES, st.sampled_from(ORDER.categories), FIRST, SECOND), max_size=40))
def test_mixed_axes_are_a_pyribs_archive_for_each_category(pyribs, stream):
    stream = [each for each in stream if clear(*each[2:])]
    mixed = {
        "grid": (
            Bins((ORDER, A, B)),
            lambda: pyribs.GridArchive(solution_dim=1, dims=[7, 3], ranges=[(-1, 3), (0, 0.3)]),
        ),
        "cvt": (
            Centroids((A, ORDER, B), POINTS),
            lambda: pyribs.CVTArchive(solution_dim=1, centroids=POINTS, ranges=[(0, 1), (0, 1)]),
        ),
    }
    for name, (niches, oracle) in mixed.items():
        ours, theirs = Grid(niches), {category: oracle() for category in ORDER.categories}
        for ticket, (score, order, a, b) in enumerate(stream):
            measures = [a, b] if name == "grid" else unit(a, b)
            told = theirs[order].add_single([float(ticket)], -score, measures)
            inserted = ours.insert(ticket, score, {"order": ORDER.number(order), "a": a, "b": b})
            assert STATUS[inserted.result] == int(told["status"])
            within = int(theirs[order].index_of_single(measures))
            assert inserted.cell == ORDER.number(order) * theirs[order].cells + within
        assert len(ours.elites) == sum(each.stats.num_elites for each in theirs.values())
