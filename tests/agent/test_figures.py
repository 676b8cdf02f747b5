"""What an author is told of its parent: where it is behind first, with what happened there; and behind whom."""

import asyncio

import pytest
from scripted_proposer import ScriptedProposer
from speciate.agent import GIVEN, Budget, RunSettings, create_run, open_archive, search
from speciate.agent._figures import comparison, figures, standing
from speciate.agent._yardsticks import TOTAL, Yardstick, Yardsticks
from speciate.evaluators import Evaluation, Measurement, Objective, ProblemRef, Status
from synthetic_problem import RoutingProblem, routing_judge

LATENCY = Objective(name="latency", unit="s")
RATE = Objective(name="rate", unit="1/s", direction="maximize")


def judged(**objectives):
    measured = [
        Measurement(
            workload=name,
            objective=value,
            metrics={"p99": 2 * value},
            feedback=f"{name} first\n{name} second",
            trace=(f"{name} burst",),
        )
        for name, value in objectives.items()
    ]
    return Evaluation(
        candidate="c", split="train", status=Status.OK, score=3.0, descriptors={"share": 0.5}, measurements=measured
    )


def test_the_workload_that_is_furthest_behind_comes_first_and_alone_in_full():
    reached = {"a": Yardstick(1.0, 0.5), "b": Yardstick(10.0, 8.0), "c": Yardstick(5.0, 5.0)}
    told = figures(judged(a=1.1, b=12.0, c=4.0), LATENCY, reached).split("\n")
    assert told == [
        "share = 0.5",
        "b: 12; 20 % worse than the best starting design (10), 50 % worse than the best design so far (8)",
        "    p99 24",
        "    b first",
        "    b second",
        "    b burst",
        "a: 1.1; 10 % worse than the best starting design (1), 120 % worse than the best design so far (0.5)",
        "    a first",
        "c: 4; 20 % better than the best starting design (5)",
        "    c first",
    ]


def test_where_more_is_better_less_is_behind():
    reached = {"a": Yardstick(10.0, 20.0), "b": Yardstick(10.0, 20.0), TOTAL: Yardstick(4.0, 4.0)}
    told = figures(judged(a=11.0, b=9.0), RATE, reached)
    first = told.index("b: 9; 10 % worse than the best starting design (10), 55 % worse")
    assert first < told.index("a: 11; 10 % better")
    assert standing(3.0, RATE, reached) == "Score: 3; 25 % worse than the best starting design (4)."


def test_without_anything_to_hold_it_against_a_design_is_shown_as_measured():
    assert figures(judged(a=1.0, b=2.0), LATENCY).startswith("share = 0.5\na: 1\n    p99 2\n    a first")
    assert standing(None, LATENCY) == "Score: none."
    assert standing(2.5, LATENCY) == "Score: 2.5."


@pytest.mark.parametrize(
    ("reached", "words"),
    [
        (None, ""),
        (
            Yardstick(2.0, 2.0, 1.5),
            "50 % worse than the best starting design (2), 1.5 is proven to be the limit of any design",
        ),
        (Yardstick(None, 2.0), "50 % worse than the best design so far (2)"),
        (Yardstick(3.0, 3.0), "as good as the best starting design (3)"),
        (Yardstick(0.0, 2.0), "3 worse than the best starting design (0), 50 % worse than the best design so far (2)"),
    ],
)
def test_comparisons_in_words(reached, words):
    assert comparison(3.0, reached, LATENCY) == words


class Bounded(RoutingProblem):
    """Its jobs take a while on any server."""

    def bound(self, workload):
        return 0.25


@pytest.mark.parametrize("steps", [(5, 12, 30), (30, 12, 5), (30,)])
def test_yardsticks_are_those_of_the_commit_whenever_they_are_asked_for(tmp_path, steps):
    problem = Bounded()
    archive = open_archive(tmp_path / "runs.db", create=True)
    settings = RunSettings(problem=ProblemRef(name=problem.name), budget=Budget(evaluations=30))
    starters = [problem.seed(), *(baseline.candidate for baseline in problem.baselines())]
    run_id = create_run(archive, settings, problem, starters)
    asyncio.run(search(archive, run_id, problem, ScriptedProposer(), routing_judge))
    given = {ticket.number for ticket in archive.tickets(run_id) if ticket.proposer == GIVEN}
    words = archive.evaluations(run_id, purpose="search", status=Status.OK)
    yardsticks = Yardsticks(archive.database, run_id, problem)
    for visible in steps:
        found = yardsticks.at(visible)
        seen = [(e.ticket, e.evaluation) for e in words if e.ticket < visible]
        for place, workload in enumerate(problem.workloads("train")):
            values = [(ticket, word.measurements[place].objective) for ticket, word in seen]
            best = min(value for _, value in values)
            assert found[workload.name] == (min(v for t, v in values if t in given), best, 0.25)
        assert found[TOTAL].limit is None
        assert found[TOTAL].best == min(word.score for _, word in seen)
    assert yardsticks.at(0) == {}
    assert all(mark.best <= mark.given for mark in found.values())
