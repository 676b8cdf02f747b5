"""From a searched run to evidence: what is measured, once, and what is recorded before it is."""

from collections.abc import Callable

import pytest
from speciate.agent import Archive, Draw, Proposer, RandomProposer, RunRecord, create_run
from speciate.agent._archive import Closing
from speciate.agent._grid import Inserted
from speciate.evaluators import Candidate, Problem, judge_inline
from speciate.evaluators._gate import GateSettings
from speciate.runs._arms import controls_of
from speciate.runs._confirmation import finalists_of, gate_of
from speciate.runs._findings import findings_of, judged_on
from speciate.runs._judged import score_on
from speciate.runs._verdict import Verdict
from support.trusted import TrustedExecutor


def settle(archive: Archive, run: RunRecord, lanes: Problem, rivals: int | None = 3) -> TrustedExecutor:
    executor = TrustedExecutor()
    Verdict(archive, archive.run(run.id), lanes, executor).settle(rivals)
    return executor


def test_the_champion_is_the_finalist_whose_gain_is_best_by_the_gate(
    archive: Archive, run: RunRecord, lanes: Problem
) -> None:
    settle(archive, run, lanes)
    gate = gate_of(archive, run, lanes)
    finalists = finalists_of(archive, run.id)
    assert len(finalists) > 1
    answers = {each: gate.answered(each) for each in finalists}
    assert all(answer is not None for answer in answers.values())
    assert archive.run(run.id).champion == max(finalists, key=lambda each: answers[each].gain)  # type: ignore[union-attr, arg-type, return-value]
    # Nobody's true validation gain is what the gate tells.
    reference = min(
        score_on(archive, run.id, b.candidate.id, "validation") or 9e9 for b in lanes.baselines() if not b.control
    )
    for each, answer in answers.items():
        assert answer is not None
        score = score_on(archive, run.id, each, "validation")
        assert score is not None
        if score != reference:
            assert answer.gain != pytest.approx((reference - score) / reference, abs=1e-9)
    words = next(o.reason for o in archive.openings(run.id) if o.split == "validation" and "champion" in o.reason)
    assert "threshold 1.0%, noise 0.10%, asked 0 of 2000 times before" in words


def test_the_gates_queries_are_counted_over_runs_and_an_exhausted_gate_confirms_nothing(
    archive: Archive, run: RunRecord, lanes: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(archive, run, lanes)
    asked = gate_of(archive, run, lanes).state().queries
    arms = [run.id, *(arm.id for arm in controls_of(archive, run.id))]
    # A design that several arms put up is asked about once.
    assert asked == len({each for arm in arms for each in finalists_of(archive, arm)})
    told = findings_of(archive, archive.run(run.id), lanes)
    assert told.confirmation is not None
    assert f"asked {asked} of 2000 times" in told.confirmation.words
    assert told.champion is not None
    assert told.champion.design.validation is None

    spent = GateSettings(queries=asked)
    monkeypatch.setattr("speciate.runs._confirmation.GATE", spent)
    again = archive.run(create_run(archive, run.settings, lanes, [lanes.seed()], {}))
    fresh = Candidate.from_source("WEIGHT = 1.25\n\n\ndef choose(job, yard):\n    return 2\n")
    ticket = archive.issue(again.id, 1, 1, "test", Draw("none", (), 0))
    archive.store_candidate(again.id, ticket.number, 0, fresh, "")
    word = judge_inline(lanes, fresh)
    archive.store_evaluation(again.id, word, "search", ticket.number, 0)
    entry = Inserted(3, word.score or 0.0, "new", None)
    archive.commit(again.id, ticket.number, Closing("ok", "", entry, 0.0, 0.0))
    lines: list[str] = []
    Verdict(archive, archive.run(again.id), lanes, TrustedExecutor(), lines.append).settle()
    assert archive.run(again.id).champion == fresh.id
    assert any("exhausted" in line for line in lines)
    told = findings_of(archive, archive.run(again.id), lanes)
    assert told.confirmation is not None
    assert (told.confirmation.confirmed, told.confirmation.source) == (False, "exhausted")
    assert told.confirmation.words.startswith("Nothing is confirmed on validation: its gate is exhausted")


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
