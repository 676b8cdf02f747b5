"""From a searched run to evidence: what is measured, once, and what is recorded before it is."""

from collections.abc import Callable

import pytest
from speciate.agent import Archive, Proposer, RandomProposer, RunRecord, create_run
from speciate.evaluators import Problem
from speciate.runs._arms import controls_of
from speciate.runs._findings import judged_on
from speciate.runs._verdict import FINALISTS, Verdict
from support.trusted import TrustedExecutor


def settle(archive: Archive, run: RunRecord, lanes: Problem, rivals: int | None = 3) -> TrustedExecutor:
    executor = TrustedExecutor()
    Verdict(archive, archive.run(run.id), lanes, executor).settle(rivals)
    return executor


def test_the_champion_is_the_finalist_that_is_best_on_validation(
    archive: Archive, run: RunRecord, lanes: Problem
) -> None:
    settle(archive, run, lanes)
    champion = archive.run(run.id).champion
    finalists = [elite.candidate_id for elite in archive.elites(run.id)][:FINALISTS]
    scores = {each: judged_on(archive, run.id, each, "validation") for each in finalists}
    best = min(finalists, key=lambda each: scores[each].evaluation.score)  # type: ignore[union-attr, return-value, arg-type]
    assert champion == best


def test_champion_rivals_and_control_are_measured_on_heldout_and_nothing_else_is(
    archive: Archive, run: RunRecord, lanes: Problem
) -> None:
    settle(archive, run, lanes, rivals=1)
    (arm,) = controls_of(archive, run.id)
    rows = archive.evaluations(run.id, split="heldout")
    assert {row.purpose for row in rows} <= {"report", "baseline:earliest-finish"}
    assert archive.run(run.id).champion in {row.evaluation.candidate for row in rows}
    assert [row.purpose for row in archive.evaluations(arm.id, split="heldout")] == ["report"]
    controls = [b.candidate.id for b in lanes.baselines() if b.control]
    assert not controls or controls[0] not in {row.evaluation.candidate for row in rows}


def test_every_opening_is_recorded_for_whom_and_why(archive: Archive, run: RunRecord, lanes: Problem) -> None:
    settle(archive, run, lanes)
    opened = archive.openings(run.id)
    assert [each.split for each in opened].count("heldout") == 1
    told = {id_ for each in opened if each.split == "heldout" for id_ in each.candidates}
    measured = {row.evaluation.candidate for row in archive.evaluations(run.id, split="heldout")}
    assert told == measured
    assert all(each.reason for each in opened)


def test_a_second_settling_measures_and_opens_nothing(archive: Archive, run: RunRecord, lanes: Problem) -> None:
    settle(archive, run, lanes)
    openings = archive.openings(run.id)
    assert settle(archive, run, lanes).tasks == []
    assert archive.openings(run.id) == openings


@pytest.mark.parametrize("cut", [0, 6, 9])
def test_a_settling_that_was_cut_off_goes_on_where_it_stopped(
    archive: Archive, run: RunRecord, lanes: Problem, cut: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        Verdict(archive, run, lanes, TrustedExecutor(limit=cut)).settle()
    arms = [run.id, *(arm.id for arm in archive.runs() if arm.control_of == run.id)]
    before = {row.id for arm in arms for row in archive.evaluations(arm)}
    settle(archive, run, lanes)
    for arm in arms:
        rows = [row for row in archive.evaluations(arm) if row.evaluation.status == "ok" and row.purpose != "search"]
        assert len({(row.evaluation.candidate, row.evaluation.split) for row in rows}) == len(rows)
    assert before <= {row.id for arm in arms for row in archive.evaluations(arm)}
    assert len(archive.evaluations(run.id, split="heldout")) >= 2


def test_all_rivals_include_the_yardsticks(archive: Archive, run: RunRecord, lanes: Problem) -> None:
    settle(archive, run, lanes, rivals=None)
    for baseline in lanes.baselines():
        assert judged_on(archive, run.id, baseline.candidate.id, "heldout") is not None


def test_what_another_run_of_the_problem_measured_is_taken_over_and_not_paid_again(
    archive: Archive,
    run: RunRecord,
    lanes: Problem,
    search_run: Callable[[Archive, RunRecord, Problem, Proposer], None],
) -> None:
    settle(archive, run, lanes, rivals=None)
    again = archive.run(create_run(archive, run.settings, lanes, [lanes.seed()], {}))
    search_run(archive, again, lanes, RandomProposer(lanes))
    executor = settle(archive, again, lanes, rivals=None)
    baselines = {b.candidate.id for b in lanes.baselines()}
    assert not {task.candidate.id for task in executor.tasks if task.split == "heldout"} & baselines
    for baseline in lanes.baselines():
        first, second = (judged_on(archive, each, baseline.candidate.id, "heldout") for each in (run.id, again.id))
        assert first is not None
        assert second is not None
        assert first.evaluation.score == second.evaluation.score
        assert second.evaluation.labels == ("taken over",)
        assert second.evaluation.cost.cpu_s == 0
