"""Findings are computed from rows: every number is checked against the rows it came from."""

from pathlib import Path

import pytest
from speciate.agent import Archive, RunRecord, RunSettings, open_archive
from speciate.evaluators import Evaluation, Problem, Status, load_problem, paired_gain
from speciate.runs._findings import Findings, _claim, findings_of, judged_on
from speciate.runs._search import new_run


def test_the_gain_is_the_paired_gain_of_the_rows(findings: Findings, settled: Archive, lanes: Problem) -> None:
    assert findings.champion is not None
    assert findings.best_baseline is not None
    ours = judged_on(settled, findings.run_id, findings.champion.design.candidate_id, "heldout")
    theirs = judged_on(settled, findings.run_id, findings.best_baseline.candidate_id, "heldout")
    assert ours is not None
    assert theirs is not None
    expected = paired_gain(
        lanes, lanes.workloads("heldout"), ours.evaluation.measurements, theirs.evaluation.measurements
    )
    gain = findings.best_baseline.gain
    assert gain is not None
    assert (gain.gain, gain.low, gain.high, gain.pairs) == (expected.gain, expected.low, expected.high, expected.pairs)
    assert findings.claimed == (expected.low > 0)
    assert f"{100 * gain.gain:+.1f} %" in findings.claim


def test_the_best_baseline_is_the_best_on_heldout_and_no_yardstick(findings: Findings) -> None:
    contenders = [d for d in findings.baselines if not d.control and d.heldout is not None]
    assert findings.best_baseline == min(contenders, key=lambda design: design.heldout or 0.0)


def test_all_heldout_workloads_are_listed_with_their_seeds(findings: Findings, lanes: Problem) -> None:
    assert [(w.name, w.seed) for w in findings.workloads] == [(w.name, w.seed) for w in lanes.workloads("heldout")]
    assert all(w.champion is not None and w.baseline is not None for w in findings.workloads)
    assert {group.label for group in findings.groups} == {"load 0.7", "load 0.9"}
    assert all(len(group.gains) == 3 and group.low is not None for group in findings.groups)


def test_costs_and_outcomes_are_the_rows(findings: Findings, settled: Archive) -> None:
    assert findings.cost.evaluations == 24
    assert sum(findings.outcomes.values()) == len(settled.tickets(findings.run_id))
    rows = settled.evaluations(findings.run_id)
    assert findings.cost.cpu_s == pytest.approx(sum(row.evaluation.cost.cpu_s for row in rows))
    assert (findings.cost.requests, findings.cost.tokens, findings.cost.usd) == (0, 0, 0.0)
    (control,) = findings.controls
    assert (control.arm, control.cost.evaluations) == ("random", 10)


def test_the_curve_only_improves_and_ends_at_the_last_evaluation(findings: Findings) -> None:
    scores = [point.score for point in findings.curve]
    assert scores == sorted(scores, reverse=True)
    assert findings.curve[-1].evaluations == 24


def test_findings_survive_json(findings: Findings) -> None:
    assert Findings.model_validate_json(findings.model_dump_json()) == findings


def test_the_commands_name_the_run_its_seed_and_its_budget(findings: Findings) -> None:
    again = findings.commands["The same search again"]
    assert "--seed 3" in again
    assert "--evals 24" in again
    assert "--sandbox process" in again


def test_without_a_champion_nothing_is_claimed(tmp_path: Path, lanes: Problem, run_settings: RunSettings) -> None:
    archive = open_archive(tmp_path / "empty.db", create=True)
    fresh = new_run(archive, run_settings)
    findings = findings_of(archive, fresh, lanes)
    assert not findings.claimed
    assert "Nothing was found" in findings.claim
    assert findings.controls == ()
    archive.close()


def test_a_champion_that_fails_on_heldout_is_no_discovery(archive: Archive, run: RunRecord, lanes: Problem) -> None:
    champion = archive.best(run.id)[0].candidate_id
    archive.set_champion(run.id, champion)
    archive.store_evaluation(
        run.id, Evaluation(candidate=champion, split="heldout", status=Status.TIMEOUT, detail="too slow"), "report"
    )
    findings = findings_of(archive, archive.run(run.id), lanes)
    assert not findings.claimed
    assert "timeout" in findings.claim


def test_a_label_that_weakens_the_claim_is_part_of_it(findings: Findings) -> None:
    champion, problem = findings.champion, load_problem(findings.problem)
    assert champion is not None
    told = champion.model_copy(update={"labels": ("in-process",)})
    for each, says in ((champion, False), (told, True)):
        claim, _ = _claim(problem, each, findings.baselines, findings.controls)
        assert ("could have forged these figures" in claim) is says
