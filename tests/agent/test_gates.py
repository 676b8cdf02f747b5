"""The gate in the archive: one count for all runs, answers that stay, and an end."""

import pytest
from speciate.agent import Budget, RunSettings, create_run, open_archive
from speciate.agent._gates import ArchiveGate, Question
from speciate.evaluators import ProblemRef
from speciate.evaluators._gate import GateSettings, GateState
from synthetic_problem import RoutingProblem

PROBLEM = RoutingProblem()
REF = ProblemRef(name=PROBLEM.name)
SETTINGS = GateSettings(disagreements=3, queries=5)


@pytest.fixture
def archive(tmp_path):
    return open_archive(tmp_path / "runs.db", create=True)


def run_of(archive, seed):
    settings = RunSettings(problem=REF, budget=Budget(evaluations=5), seed=seed)
    return create_run(archive, settings, PROBLEM, [PROBLEM.seed()])


def test_queries_are_counted_over_all_runs_and_by_problem(archive):
    first, second = run_of(archive, 1), run_of(archive, 2)
    gate = ArchiveGate(archive, REF, "1", SETTINGS)
    assert gate.ask(Question(first, "a", 0.2, 0.2)).source == "train"
    assert gate.ask(Question(second, "b", 0.2, 0.0)).source == "validation"
    assert gate.state() == ArchiveGate(archive, REF, "1").state() == GateState(2, 1)
    assert ArchiveGate(archive, REF, "2").state() == GateState(0, 0)
    other = ProblemRef(name=REF.name, options={"seeds": "9"})
    assert ArchiveGate(archive, other, "1").state() == GateState(0, 0)


def test_the_same_design_is_answered_alike_and_for_nothing(archive, tmp_path):
    run = run_of(archive, 1)
    gate = ArchiveGate(archive, REF, "1", SETTINGS)
    answer = gate.ask(Question(run, "a", 0.5, 0.0))
    again = ArchiveGate(open_archive(tmp_path / "runs.db"), REF, "1", SETTINGS)
    assert again.ask(Question(run, "a", 0.4, 0.3)) == answer == again.answered("a")
    assert again.state().queries == 1
    assert again.answered("b") is None


def test_an_exhausted_gate_writes_nothing_more_and_keeps_its_answers(archive):
    run = run_of(archive, 1)
    gate = ArchiveGate(archive, REF, "1", SETTINGS)
    for name in "abc":
        assert gate.ask(Question(run, name, 0.5, 0.0)).source == "validation"
    told = gate.ask(Question(run, "d", 0.5, 0.5))
    assert (told.source, told.gain, told.confirmed) == ("exhausted", None, False)
    assert gate.state() == GateState(3, 3)
    assert gate.ask(Question(run, "a", 0.5, 0.0)).source == "validation"
    assert gate.answered("d") is None
