import asyncio
import sqlite3
from dataclasses import replace
from random import Random

import pytest
from scripted_proposer import ScriptedProposer
from speciate.agent import (
    Budget,
    Committed,
    Draw,
    Finished,
    GeneticProposer,
    Improved,
    Issued,
    Judged,
    Proposal,
    RandomProposer,
    Reasons,
    RunSettings,
    create_run,
    open_archive,
    search,
)
from speciate.agent._loop import Search
from speciate.evaluators import ProblemRef, SpeciateError, Status
from synthetic_problem import RoutingProblem, judge, routing_judge

PROBLEM = RoutingProblem()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
TABLES = {
    "tickets": "number, visible, proposer, operator, model, parents, draw, outcome, note",
    "candidates": "ticket, turn, candidate_id, source_hash, parents, operator, proposer, idea, rationale",
    "evaluations": "ticket, turn, candidate_id, status, score, descriptors, detail, duplicate_of",
    "insertions": "ticket, cell, score, result, replaced",
}


def new_run(path, evaluations=30, problem=PROBLEM, **settings):
    archive = open_archive(path, create=True)
    budget = settings.pop("budget", Budget(evaluations=evaluations))
    chosen = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=budget, **settings)
    return archive, create_run(archive, chosen, problem, STARTERS)


def rows(path):
    """Everything a run wrote except times, costs and the order of arrival."""
    with sqlite3.connect(path) as connection:
        return {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
            for table, columns in TABLES.items()
        }


def delayed_judge(workers, seed):
    """A judge that finishes in random order, at most ``workers`` at a time."""
    slots, rng = asyncio.Semaphore(workers), Random(seed)

    async def judging(candidate, cache):
        async with slots:
            await asyncio.sleep(rng.random() * 0.004)
            evaluation = judge(candidate, cache)
            await asyncio.sleep(rng.random() * 0.004)
            return evaluation

    return judging


@pytest.mark.parametrize(
    "proposer", [ScriptedProposer, lambda: GeneticProposer(PROBLEM), lambda: RandomProposer(PROBLEM)]
)
def test_rows_are_equal_with_one_worker_and_with_eight(tmp_path, proposer):
    results = []
    for name, workers in (("one", 1), ("eight", 8), ("again", 8)):
        archive, run_id = new_run(tmp_path / name)
        judging = delayed_judge(workers, seed=len(results))
        asyncio.run(search(archive, run_id, PROBLEM, proposer(), judging))
        results.append(rows(tmp_path / name))
    assert results[0] == results[1] == results[2]
    assert len(results[0]["tickets"]) >= 30


def test_ticket_sees_the_archive_a_window_back(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=25, window=5)
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    tickets = archive.tickets(run_id)
    # The last tickets wait for room in the budget and see more, never less.
    drawn = [ticket for ticket in tickets if ticket.proposer == "scripted"]
    assert [ticket.visible for ticket in drawn][:15] == [max(0, ticket.number - 4) for ticket in drawn][:15]
    assert all(ticket.visible >= ticket.number - 4 for ticket in drawn)
    assert all(parent < ticket.visible for ticket in drawn for parent in ticket.draw.parents)


def test_budget_counts_neither_duplicates_nor_empty_tickets(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=30)
    outcome = asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    counts = archive.counts(run_id)
    assert (outcome.state, outcome.reason, outcome.evaluations) == ("finished", "30 evaluations", 30)
    assert counts["duplicate"] > 0
    assert counts["no_candidate"] > 0
    assert sum(counts.values()) - counts["duplicate"] - counts["no_candidate"] == 30
    assert archive.run(run_id).state == "finished"


def test_starters_are_judged_first_and_no_more_than_the_budget(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=3)
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    assert [ticket.proposer for ticket in archive.tickets(run_id)] == ["given"] * 3
    assert [archive.candidates_of(run_id, t)[0].candidate.id for t in range(3)] == [c.id for c in STARTERS[:3]]


def test_repair_is_a_new_turn_and_an_unchanged_one_is_not_judged_again(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=40, repairs=2)
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    turns = {ticket.number: archive.candidates_of(run_id, ticket.number) for ticket in archive.tickets(run_id)}
    mended = [number for number, records in turns.items() if len(records) > 1]
    assert mended
    for number in mended:
        repeated = turns[number][-1].candidate.id == turns[number][-2].candidate.id
        judged = archive.evaluation_of(run_id, number, turns[number][-1].turn)
        assert (judged is None) == repeated
        assert archive.ticket(run_id, number).outcome == ("crashed" if repeated else judged.evaluation.status)
        assert len(turns[number]) <= 3


def test_second_search_of_a_finished_run_changes_nothing(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=12)
    first = asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    before = rows(tmp_path / "x")
    again = asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    assert first == again
    assert rows(tmp_path / "x") == before


def test_larger_budget_goes_on_where_the_run_ended(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=12)
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    settings = archive.run(run_id).settings
    archive.set_settings(run_id, settings.model_copy(update={"budget": Budget(evaluations=20)}))
    outcome = asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    assert outcome.evaluations == 20


class Stubborn(ScriptedProposer):
    """Gives nothing, or always the same."""

    def __init__(self, source):
        super().__init__()
        self.source = source

    async def write(self, task):
        if self.source is None:
            return Proposal(None, note="no idea")
        return Proposal(STARTERS[0])


def test_run_without_candidates_stops_with_its_reason(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=50)
    outcome = asyncio.run(search(archive, run_id, PROBLEM, Stubborn(None), routing_judge))
    assert outcome.state == "stopped"
    assert "no candidate" in outcome.reason
    assert outcome.tickets < 100
    assert archive.ticket(run_id, 10).note == "no idea"


def test_run_of_duplicates_stops_with_its_reason(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=14)
    outcome = asyncio.run(search(archive, run_id, PROBLEM, Stubborn("same"), routing_judge))
    assert outcome.state == "stopped"
    assert "duplicates" in outcome.reason
    assert outcome.tickets <= 20 * 14 + 100 + 8


class Reasoning(ScriptedProposer):
    """Says why it wrote what it wrote, and nothing more of what it mends."""

    async def write(self, task):
        return replace(await super().write(task), reasons=Reasons("fast ones first", "", f"seen of {task.ticket}"))


def test_mended_design_keeps_the_reasons_it_was_written_for(tmp_path):
    archive, run_id = new_run(tmp_path / "x", repairs=2)
    asyncio.run(search(archive, run_id, PROBLEM, Reasoning(), routing_judge))
    mended = [r for t in archive.tickets(run_id) for r in archive.candidates_of(run_id, t.number) if r.turn > 0]
    assert mended
    assert all(r.reasons == Reasons("fast ones first", "", f"seen of {r.ticket}") for r in mended)


class Clock:
    """Seconds that pass by one with each look."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def test_minutes_end_a_run_and_count_over_sittings(tmp_path):
    archive, run_id = new_run(tmp_path / "x", budget=Budget(minutes=2.0))
    run = Search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge, lambda event: None, clock=Clock(1.0))
    outcome = asyncio.run(run.run())
    assert (outcome.state, outcome.reason) == ("finished", "2 minutes")
    elapsed = archive.run(run_id).elapsed_s
    assert 120 <= elapsed < 200
    again = Search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge, lambda event: None, clock=Clock(0.0))
    assert asyncio.run(again.run()).tickets == outcome.tickets
    assert archive.run(run_id).elapsed_s == elapsed


def test_judging_that_outlasts_minutes_and_deadline_is_abandoned_and_resumed(tmp_path):
    archive, run_id = new_run(tmp_path / "x", budget=Budget(minutes=1 / 6000))

    async def never(candidate, cache):
        await asyncio.Event().wait()

    class Brisk(RoutingProblem):
        limits = PROBLEM.limits.model_copy(update={"wall_s": 0.02, "start_wall_s": 0.0})

    outcome = asyncio.run(search(archive, run_id, Brisk(), ScriptedProposer(), never))
    assert (outcome.state, outcome.tickets) == ("finished", 0)
    settings = archive.run(run_id).settings
    archive.set_settings(run_id, settings.model_copy(update={"budget": Budget(evaluations=10)}))
    assert asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge)).evaluations == 10


class Paying(ScriptedProposer):
    """Has money for nine tickets."""

    def exhausted(self):
        return "0.09 usd spent" if len(self.written) >= 9 else None


def test_gate_of_a_paying_proposer_ends_the_run(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=100)
    outcome = asyncio.run(search(archive, run_id, PROBLEM, Paying(), routing_judge))
    assert (outcome.state, outcome.reason) == ("finished", "0.09 usd spent")
    assert archive.counts(run_id).get("in_flight", 0) == 0


def test_gate_is_not_asked_again_about_a_finished_run(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=100)
    outcome = asyncio.run(search(archive, run_id, PROBLEM, Paying(), routing_judge))
    before, events = rows(tmp_path / "x"), []
    assert asyncio.run(search(archive, run_id, PROBLEM, Paying(), routing_judge, events.append)) == outcome
    assert events == [Finished("finished", outcome.reason, outcome.evaluations, outcome.best)]
    assert rows(tmp_path / "x") == before


def test_events_tell_the_run_in_order(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=15)
    events = []
    outcome = asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge, events.append))
    committed = [event for event in events if isinstance(event, Committed)]
    assert [event.ticket for event in committed] == list(range(outcome.tickets))
    assert committed[-1].best == outcome.best == archive.best(run_id)[0].score
    assert committed[-1].niches == len(archive.elites(run_id))
    improved = [event.score for event in events if isinstance(event, Improved)]
    assert improved == sorted(set(improved), reverse=True)
    assert {event.ticket for event in events if isinstance(event, Issued)} == set(range(4, outcome.tickets))
    judged = {event.ticket for event in events if isinstance(event, Judged)}
    assert judged == {event.ticket for event in committed if event.outcome != "no_candidate"}
    assert events[-1] == Finished("finished", "15 evaluations", 15, outcome.best)


class Profit(RoutingProblem):
    """The same world, with the score to be maximised."""

    objective = PROBLEM.objective.model_copy(update={"direction": "maximize"})

    def score(self, measurements):
        return -super().score(measurements)


def test_maximised_problem_finds_what_the_minimised_one_finds(tmp_path):
    async def profit_judge(candidate, cache):
        evaluation = judge(candidate, cache)
        return evaluation if evaluation.score is None else evaluation.model_copy(update={"score": -evaluation.score})

    low, low_id = new_run(tmp_path / "low")
    high, high_id = new_run(tmp_path / "high", problem=Profit())
    least = asyncio.run(search(low, low_id, PROBLEM, ScriptedProposer(), routing_judge))
    most = asyncio.run(search(high, high_id, Profit(), ScriptedProposer(), profit_judge))
    assert most.best == -least.best
    assert [each.ticket for each in high.best(high_id, 5)] == [each.ticket for each in low.best(low_id, 5)]
    assert high.insertions(high_id) == low.insertions(low_id)
    assert high.progress(high_id)[-1].best == most.best


def test_failure_of_the_judge_stops_the_run_and_it_can_be_resumed(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=15)
    calls = []

    async def failing(candidate, cache):
        calls.append(candidate.id)
        if len(calls) == 9:
            raise SpeciateError("the sandbox is gone")
        return judge(candidate, cache)

    with pytest.raises(SpeciateError, match="sandbox is gone"):
        asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), failing))
    record = archive.run(run_id)
    assert (record.state, "sandbox is gone" in record.reason) == ("stopped", True)
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    other, other_id = new_run(tmp_path / "whole", evaluations=15)
    asyncio.run(search(other, other_id, PROBLEM, ScriptedProposer(), routing_judge))
    assert rows(tmp_path / "x") == rows(tmp_path / "whole")


def test_cancelled_search_is_stopped_and_resumed_to_the_same_end(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=15)

    async def interrupted():
        task = asyncio.create_task(search(archive, run_id, PROBLEM, ScriptedProposer(), delayed_judge(2, 1)))
        while archive.counts(run_id).get("ok", 0) < 5:
            await asyncio.sleep(0.001)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert archive.run(run_id).reason == "interrupted"
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    other, other_id = new_run(tmp_path / "whole", evaluations=15)
    asyncio.run(search(other, other_id, PROBLEM, ScriptedProposer(), routing_judge))
    assert rows(tmp_path / "x") == rows(tmp_path / "whole")


def test_candidate_of_ours_that_failed_is_a_row_and_holds_no_niche(tmp_path):
    archive, run_id = new_run(tmp_path / "x", evaluations=40, repairs=0)
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    crashed = [ticket.number for ticket in archive.tickets(run_id) if ticket.outcome == Status.CRASHED]
    assert crashed
    assert not {entry.ticket for entry in archive.insertions(run_id)} & set(crashed)
    assert "nothing" in archive.evaluation_of(run_id, crashed[0], 0).evaluation.detail


def test_run_of_another_problem_version_is_refused(tmp_path):
    class Newer(RoutingProblem):
        version = "2"

    archive, run_id = new_run(tmp_path / "x")
    with pytest.raises(SpeciateError, match="scores do not compare"):
        asyncio.run(search(archive, run_id, Newer(), ScriptedProposer(), routing_judge))


def test_draws_depend_on_seed_and_ticket_only(tmp_path):
    draws = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        archive, run_id = new_run(tmp_path / name, evaluations=10, seed=seed)
        asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
        draws.append([ticket.draw for ticket in archive.tickets(run_id)])
    assert all(isinstance(draw, Draw) for draw in draws[0])
    assert draws[0] == draws[1] != draws[2]
