"""Fronts of several objectives in each niche: against the definition, bounded, and followed by a search."""

import asyncio
import math
from collections import Counter
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.agent import Budget, Draw, Elite, Grid, Proposal, RunSettings, archive_digest, create_run, open_archive
from speciate.agent._fronts import Fronts, from_front, further_of, unbeaten, values_of
from speciate.agent._grid import Inserted, View
from speciate.agent._loop import Search
from speciate.evaluators import (
    Candidate,
    Descriptor,
    Evaluation,
    Measurement,
    Objective,
    ProblemRef,
    SpeciateError,
    Status,
)
from synthetic_problem import RoutingProblem

AXIS = Descriptor(name="a", low=0.0, high=3.0, bins=3)
VALUES = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
STREAM = st.lists(st.tuples(st.integers(0, 2), VALUES), max_size=40)


class Several(RoutingProblem):
    """The synthetic problem with six niches and three objectives."""

    descriptors = (
        Descriptor(name="fast_share", low=0.0, high=1.0, bins=3),
        Descriptor(name="held_share", low=0.0, high=1.0, bins=2),
    )
    objectives = (
        Objective(name="memory", unit="bytes"),
        Objective(name="digits", unit="digits", direction="maximize"),
    )


PROBLEM = Several()


def beats(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def designs(stream):
    return [Elite(ticket, cell, values[0], values[1:]) for ticket, (cell, values) in enumerate(stream)]


def brute(offered):
    """The front by its definition: the earliest of those that nothing beats and that are not equal."""
    values = [values_of(design) for design in offered]
    return sorted(
        (
            design
            for design, mine in zip(offered, values, strict=True)
            if not any(beats(other, mine) for other in values) and offered[values.index(mine)] is design
        ),
        key=values_of,
    )


@given(st.lists(VALUES, max_size=30))
def test_unbeaten_are_what_nothing_beats(values):
    offered = designs([(0, each) for each in values])
    assert unbeaten(offered) == brute(offered)


@given(STREAM)
def test_a_front_below_its_bound_is_that_of_all_designs(stream):
    grid, plain, offered = Grid([AXIS], front=64), Grid([AXIS]), []
    for design in designs(stream):
        offered.append(design)
        told = grid.insert(design.ticket, design.score, {"a": design.cell + 0.5}, design.further)
        assert told.further == design.further
        alone = plain.insert(design.ticket, design.score, {"a": design.cell + 0.5})
        assert told._replace(further=(), replaced=alone.replaced) == alone
        mine = [other for other in offered if other.cell == design.cell]
        assert list(grid.view(1).fronts[design.cell]) == brute(mine)
    assert [elite[:3] for elite in grid.elites] == [elite[:3] for elite in plain.elites]
    assert plain.view(1).fronts == {}


def crowded(front):
    """NSGA-II's rule by the book: whose neighbours are closest, the youngest of equal ones; never the first."""
    spans = []
    for design in front:
        total = 0.0
        for column in range(3):
            ranked = sorted((values_of(other)[column], other.ticket) for other in front)
            place = ranked.index((values_of(design)[column], design.ticket))
            if place in (0, len(ranked) - 1):
                total = math.inf
            elif ranked[-1][0] > ranked[0][0]:
                total += (ranked[place + 1][0] - ranked[place - 1][0]) / (ranked[-1][0] - ranked[0][0])
        spans.append((total, -design.ticket))
    return front[spans.index(min(spans[1:]))]


@given(STREAM, st.integers(2, 5))
def test_a_front_at_its_bound_loses_the_most_crowded_and_keeps_the_best_score(stream, bound):
    fronts, before, offered = Fronts(bound), {}, []
    for design in designs(stream):
        fronts.offer(design)
        offered.append(design)
        after = list(fronts.seen[design.cell])
        expected = brute([*before.get(design.cell, []), design])
        if len(expected) > bound:
            expected.remove(crowded(expected))
        assert after == expected
        mine = [other for other in offered if other.cell == design.cell]
        assert after[0] == min(mine, key=lambda each: (values_of(each), each.ticket))
        before[design.cell] = after


def test_with_a_bound_of_one_or_without_further_objectives_there_are_no_fronts():
    fronts = Fronts(1)
    fronts.offer(Elite(0, 0, 1.0, (2.0,)))
    assert fronts.seen == {}
    fronts = Fronts(8)
    fronts.offer(Elite(0, 0, 1.0))
    assert fronts.seen == {}


def test_a_design_that_was_measured_again_stands_on_its_front_by_its_new_score():
    grid = Grid([AXIS], front=8)
    grid.apply(0, Inserted(0, 1.0, "new", None, further=(5.0,)))
    grid.apply(1, Inserted(0, 1.5, "rejected", None, further=(4.0,)))
    assert [design.ticket for design in grid.view(2).fronts[0]] == [0, 1]
    # The holder turns out worse than it was thought and keeps its niche, though ticket 1 now beats it in both.
    grid.apply(2, Inserted(0, 2.5, "rejected", None, 3, True, 2.0, (6.0,)))
    assert grid.elites == (Elite(0, 0, 2.0, (5.0,)),)
    assert grid.view(3).fronts[0] == (Elite(1, 0, 1.5, (4.0,)),)


def test_a_parent_is_the_holder_or_another_design_of_the_front_of_its_niche():
    elites = (Elite(3, 0, 1.0, (9.0,)), Elite(4, 1, 2.0, (1.0,)))
    front = (elites[0], Elite(7, 0, 1.5, (2.0,)), Elite(8, 0, 1.6, (1.0,)))
    view = View(9, elites, fronts={0: front})
    random = Random(1)
    found = Counter(from_front(view, elites[0], random).ticket for _ in range(600))
    assert set(found) == {3, 7, 8}
    assert found[3] > found[7] + found[8]
    state = random.getstate()
    assert from_front(view, elites[1], random) == elites[1]
    assert random.getstate() == state


def word(candidate, parts):
    shown = [Measurement(workload=str(i), objective=1.0, metrics=metrics) for i, metrics in enumerate(parts)]
    return Evaluation(candidate=candidate, split="train", status=Status.OK, score=1.0, measurements=tuple(shown))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([{"memory": 2.0, "digits": 3.0}, {"memory": 4.0, "digits": 4.0}], (3.0, -3.5)),
        ([{"memory": 2.0, "digits": 3.0}, {"memory": 4.0}], ()),
        ([{"memory": 2.0, "digits": math.inf}], ()),
        ([{"memory": math.nan, "digits": 1.0}], ()),
        ([], ()),
    ],
)
def test_further_objectives_are_means_over_the_workloads_and_minimised(parts, expected):
    assert further_of(PROBLEM, word("c", parts)) == expected
    assert further_of(RoutingProblem(), word("c", parts)) == ()


class Numbers:
    """Draws from the fronts and writes a number that nobody wrote before; a child is much like its parent."""

    name = "numbers"

    def draw(self, view, rng):
        if not view.elites:
            return Draw("new", (), rng.getrandbits(32))
        return Draw("near", (from_front(view, rng.choice(view.elites), rng).ticket,), rng.getrandbits(32))

    async def write(self, task):
        return Proposal(Candidate.from_source(f"X = {Random(task.draw.seed).random()}\n"))

    async def repair(self, task, turn, candidate, evaluation):
        return None


def judge_of(delays=None, fails_after=None):
    """Score a candidate by its hash, after a while; fail once so many were judged."""
    judged = count()

    async def judge(candidate, cache, repetition=0):
        if fails_after is not None and next(judged) >= fails_after:
            raise SpeciateError("a judge that died")
        await asyncio.sleep(delays.random() * 0.005 if delays else 0)
        told = Random(candidate.id)
        metrics = {"memory": told.random(), "digits": told.random()}
        parts = tuple(Measurement(workload=str(i), objective=1.0, metrics=metrics) for i in range(2))
        shares = {"fast_share": told.random(), "held_share": told.random()}
        common = {"candidate": candidate.id, "split": "train", "status": Status.OK, "measurements": parts}
        return Evaluation(**common, score=told.random(), descriptors=shares, decision_hash=candidate.id)

    return judge


def new_run(into, problem=PROBLEM, **settings):
    given = {"problem": ProblemRef(name=problem.name), "budget": Budget(evaluations=120), "proposer": "numbers"}
    return create_run(into, RunSettings(**(given | settings)), problem, [problem.seed()])


def searched(archive, run_id, judge, problem=PROBLEM):
    made = Search(archive, run_id, problem, Numbers(), judge, lambda event: None)
    asyncio.run(made.run())
    return made


@pytest.mark.parametrize("islands", [{}, {"count": 3, "migrate": 20, "restart": 30}])
def test_a_search_goes_on_from_its_fronts_and_resumes_them_bit_for_bit(tmp_path, islands):
    archive = open_archive(tmp_path / "runs.db", create=True)
    whole, cut = (new_run(archive, islands=islands, archive={"front": 4}) for _ in range(2))
    made = searched(archive, whole, judge_of())
    fronts = made._grid.view(0).fronts
    assert max(map(len, fronts.values())) == 4
    assert all(front == tuple(unbeaten(front)) for front in fronts.values())
    for fails_after in (1, 17, 40):
        with pytest.raises(SpeciateError, match="died"):
            searched(archive, cut, judge_of(Random(5), fails_after))
    assert searched(archive, cut, judge_of(Random(6)))._grid.view(0).fronts == fronts
    assert archive_digest(archive, cut) == archive_digest(archive, whole)
    log = {entry.ticket: entry for entry in archive.insertions(whole)}
    parents = [parent for ticket in archive.tickets(whole) for parent in ticket.draw.parents]
    if not islands:
        assert any(log[parent].result == "rejected" for parent in parents)


def test_what_is_held_and_logged_of_one_objective_knows_no_fronts(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    run_id = new_run(archive, RoutingProblem())
    made = searched(archive, run_id, judge_of(), RoutingProblem())
    assert made._grid.view(0).fronts == {}
    assert {entry.further for entry in archive.insertions(run_id)} == {()}
