"""Formulas without a model: feedback is read, numbers follow from it, and shapes change but not what they come to."""

import asyncio
from collections import Counter
from functools import cache
from random import Random
from types import MappingProxyType

import numpy as np
import pytest
from speciate.agent._formula_errors import Reckoner, readings_of
from speciate.agent._formula_genetic import ARMS, FormulaProposer
from speciate.agent._formula_shapes import SHAPES
from speciate.agent._formula_tuning import DRIFT, LEVEL, NUDGE, FormulaTuner, fresh_parent
from speciate.agent._history import Past, Spent
from speciate.agent._least_squares import Factored
from speciate.agent._proposer import Draw, Elite, Parent, Task
from speciate.agent._records import STARTER
from speciate.agent._source_genetic import Workshop
from speciate.evaluators import Candidate, Evaluation, Problem, Status, evaluator_of, load_problem

LOG = load_problem("numeric-log")
PART = LOG.workloads("train")[0]


def judged(candidate: Candidate, problem: Problem = LOG) -> Evaluation:
    """The evaluation by one part of the inputs."""
    formula = evaluator_of("formula").inline(problem, candidate)
    measurement = problem.measure(formula, PART)
    return Evaluation(
        candidate=candidate.id,
        split="train",
        status=Status.OK,
        score=measurement.objective,
        measurements=(measurement,),
    )


@cache
def shown(name: str) -> Parent:
    candidate = next(each.candidate for each in LOG.baselines() if each.name == name)
    return Parent(0, candidate, judged(candidate))


def task(operator: str, seed: int, *parents: Parent, peers: tuple[Parent, ...] = ()) -> Task:
    tickets = tuple(each.ticket for each in parents)
    return Task("run", 9, Draw(operator, tickets, seed, extra={"mate": 1}), parents, peers=peers)


def test_feedback_is_read_part_by_part() -> None:
    parent = shown("artanh-halved")
    [readings] = readings_of(parent.evaluation)
    assert len(readings) == 12
    low, high = LOG.inputs.ends
    assert readings[0].low == pytest.approx(low, rel=1e-3)
    assert readings[-1].high == pytest.approx(high, rel=1e-3)
    assert max(abs(each.worst) for each in readings) == pytest.approx(parent.evaluation.score, abs=1e-3)
    assert readings_of(parent.evaluation.model_copy(update={"measurements": ()})) == []


def test_least_squares_are_those_of_the_library() -> None:
    rng = np.random.default_rng(3)
    matrix, right = rng.normal(size=(12, 4)), rng.normal(size=12)
    factored = Factored(matrix.T.tolist(), 1e-9)
    assert factored.solved(right.tolist()) == pytest.approx(np.linalg.lstsq(matrix, right, rcond=None)[0].tolist())
    reached = matrix @ factored.reaching([0.0, 2.0, 0.0, 1.5])
    assert np.linalg.norm(reached) == pytest.approx(2.5)


def test_levelling_takes_the_numbers_of_a_series_near_the_best_there_are() -> None:
    tuner, parent = FormulaTuner(LOG), shown("artanh-halved")
    scores = [parent.evaluation.score]
    for seed in range(3):
        child = tuner.child(task(LEVEL, seed, parent))
        assert child is not None
        assert child == tuner.child(task(LEVEL, seed, parent))
        parent = Parent(seed + 1, child, judged(child))
        scores.append(parent.evaluation.score)
    assert scores[0] > 1.7
    assert scores[1] < 1.2
    assert min(scores) < 0.9


def test_a_nudge_moves_the_answers_a_little_and_the_numbers_further() -> None:
    tuner, reckoner, parent = FormulaTuner(LOG), Reckoner(LOG), shown("artanh-series-4")
    aim = reckoner.aim(parent.candidate, parent.evaluation)
    before = np.array(reckoner.misses(parent.candidate, aim))
    children = [tuner.child(task(NUDGE, seed, parent)) for seed in range(12)]
    found = [each for each in children if each is not None]
    assert len({each.id for each in found}) > 8
    moves = [np.abs(np.array(reckoner.misses(each, aim)) - before).max() for each in found]
    assert 0.0 < max(moves) < 1.0
    # What counts least moves furthest.
    values = np.array([reckoner.numbers(each).values for each in found])
    shares = np.abs(values / np.array(reckoner.numbers(parent.candidate).values) - 1.0).max(axis=0)
    assert shares[3] > 10.0 * shares[0] > 0.0


def test_drifting_goes_by_differences_of_relatives_and_needs_some() -> None:
    tuner, reckoner, parent = FormulaTuner(LOG), Reckoner(LOG), shown("artanh-halved")
    numbers = reckoner.numbers(parent.candidate)
    shares = (0.001, 0.002, 0.003, -0.001)
    peers = []
    for ticket, share in enumerate(shares, 1):
        values = [value * (1.0 + share) if n == 1 else value for n, value in enumerate(numbers.values)]
        peers.append(Parent(ticket, numbers.written(values), parent.evaluation))
    children = [tuner.child(task(DRIFT, seed, parent, peers=tuple(peers))) for seed in range(30)]
    moved = [reckoner.numbers(each).values for each in children if each is not None]
    # But for steps of an ULP or two, only the number that relatives differ in moves.
    assert len({values[1] for values in moved}) > 8
    assert all(values[n] == pytest.approx(numbers.values[n], rel=1e-6) for values in moved for n in (0, 2))
    alone = tuner.child(task(DRIFT, 3, parent))
    assert alone is not None
    assert alone != parent.candidate


@pytest.mark.parametrize("name", ["numeric-exp", "numeric-log", "numeric-tanh"])
def test_what_is_rewritten_is_the_same_but_for_roundings(name: str) -> None:
    problem = load_problem(name)
    problem.interface = problem.interface.model_copy(update={"operations": 60})
    workshop, reckoner = Workshop(problem), Reckoner(problem)
    x = np.linspace(*problem.inputs.ends, 50)[None, :]
    changed = Counter()
    for base in workshop.library:
        before = reckoner.answers(base, x)
        for seed in range(3):
            child = workshop.changed(base, None, "rewrite", Random(seed))
            if child is None:
                continue
            after = reckoner.answers(child, x)
            np.testing.assert_allclose(after, before, rtol=1e-7, atol=1e-12)
            changed[reckoner.is_new(child, base)] += 1
    assert changed[True] > changed[False]


def test_another_shape_gets_numbers_that_suit_it_before_it_is_judged() -> None:
    proposer, parent = FormulaProposer(LOG), shown("artanh-halved")
    scores = {}
    for operator in (*SHAPES, "splice"):
        proposal = asyncio.run(proposer.write(task(operator, 1, parent)))
        assert proposal.candidate is not None
        assert Reckoner(LOG).is_new(proposal.candidate, parent.candidate)
        scores[operator] = judged(proposal.candidate).score
    assert max(scores.values()) < 40.0
    given = task("degree", 1, parent)
    assert asyncio.run(proposer.write(given)) == asyncio.run(FormulaProposer(LOG).write(given))


def past(ticket: int, operator: str, before: float | None = None) -> Past:
    return Past(ticket, operator, None, "", None, (), "ok", 2.0, None, before, None, Spent(None, 0, 0.0))


def test_formulas_are_levelled_once_each_and_all_operators_are_drawn() -> None:
    class View:
        commits = 9
        history = ()
        under_way = ()
        elites = tuple(Elite(ticket, ticket, float(ticket)) for ticket in range(8))
        fronts = MappingProxyType({})

    assert {fresh_parent(View(), 5, Random(seed)) for seed in range(400)} == set(range(8))
    View.under_way = (Draw(LEVEL, (0,), 1), Draw(LEVEL, (1,), 1), Draw(NUDGE, (2,), 1))
    assert {fresh_parent(View(), 5, Random(seed)) for seed in range(400)} == set(range(2, 8))
    View.under_way = tuple(Draw(LEVEL, (ticket,), 1) for ticket in range(8))
    assert fresh_parent(View(), 5, Random(1)) == 5
    # What the run began with, or levelling made better, comes first, also where no niche holds it any more.
    View.history = (past(8, LEVEL, 3.0), past(9, STARTER), past(10, STARTER))
    assert fresh_parent(View(), 5, Random(1)) == 8
    View.history = (past(8, LEVEL, 1.0), past(9, STARTER), past(10, STARTER))
    assert fresh_parent(View(), 5, Random(1)) == 9
    View.history, View.under_way = (), ()
    proposer = FormulaProposer(LOG)
    draws = [proposer.draw(View(), Random(seed)) for seed in range(800)]
    assert {draw.operator for draw in draws} == {arm.name for arm in ARMS}
    assert all(len(set(draw.parents)) == len(draw.parents) for draw in draws)


def test_where_nothing_is_judged_or_told_there_still_is_a_child() -> None:
    proposer, parent = FormulaProposer(LOG), shown("artanh-halved")
    untold = Parent(0, parent.candidate, parent.evaluation.model_copy(update={"measurements": ()}))
    for given in (task(LEVEL, 2, untold), task("degree", 2, untold), task(NUDGE, 2), task("splice", 2)):
        proposal = asyncio.run(proposer.write(given))
        assert proposal.candidate is not None
        assert proposal.candidate != parent.candidate
