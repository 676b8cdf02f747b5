"""What a report says of a champion that learned the train workloads by heart, and of one that did not."""

import shutil
from pathlib import Path

import pytest
from speciate.agent import Archive, Budget, RandomProposer, RunRecord, create_run, open_archive
from speciate.agent._gates import Question
from speciate.evaluators import Candidate, Censored, Evaluation, Status, problem_of
from speciate.runs._confirmation import gate_of
from speciate.runs._findings import Findings, findings_of
from speciate.runs._report import html_of, markdown_of
from speciate.runs._verdict import Verdict
from support.forecast import HONEST, PROBLEM, memorised
from support.trusted import TrustedExecutor

from .conftest import searched, settings

FORECAST = str(Path(__file__).parent.parent / "support" / "forecast.py")


def settled(folder: Path, design: Candidate) -> tuple[Archive, RunRecord, Findings]:
    """Return a run that judged the seed and ``design``, with its verdict."""
    archive = open_archive(folder / "runs.db", create=True)
    wanted = settings(problem={"name": FORECAST}).model_copy(update={"budget": Budget(evaluations=2)})
    run = archive.run(create_run(archive, wanted, PROBLEM, [PROBLEM.seed(), design]))
    searched(archive, run, PROBLEM, RandomProposer(PROBLEM))
    Verdict(archive, run, PROBLEM, TrustedExecutor()).settle()
    run = archive.run(run.id)
    assert run.champion == design.id
    return archive, run, findings_of(archive, run, PROBLEM)


def test_a_champion_that_knows_train_by_heart_is_not_confirmed(tmp_path: Path) -> None:
    _, _, findings = settled(tmp_path, memorised())
    assert findings.champion is not None
    assert findings.champion.design.train is not None
    assert findings.champion.design.train < 0.001
    told = findings.confirmation
    assert told is not None
    assert (told.source, told.confirmed) == ("validation", False)
    assert told.gain == pytest.approx(0.0, abs=0.02)
    for text in (html_of(findings, {}), markdown_of(findings, ())):
        assert "Not confirmed: train and validation do not agree" in text
    assert not findings.claimed


def test_a_problem_that_is_copied_elsewhere_stands_before_the_same_gate(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "runs.db", create=True)
    told = []
    for path in (FORECAST, shutil.copy(FORECAST, tmp_path)):
        wanted = settings(problem={"name": str(path)})
        problem = problem_of(wanted.problem)
        run = archive.run(create_run(archive, wanted, problem, [problem.seed()]))
        gate = gate_of(archive, run, problem)
        told.append(gate.ask(Question(run.id, HONEST.id, 0.9, 0.1)))
    assert told[0] == told[1]
    assert gate.state().queries == 1


def test_an_honest_champion_is_confirmed(tmp_path: Path) -> None:
    _, _, findings = settled(tmp_path, HONEST)
    told = findings.confirmation
    assert told is not None
    assert told.confirmed
    assert told.words.startswith("Confirmed: ")
    assert told.gain is not None
    assert told.gain > 0.5


def test_a_measurement_that_was_cut_off_is_shown_at_its_limit_and_never_as_a_score(tmp_path: Path) -> None:
    archive, run, _ = settled(tmp_path, HONEST)
    late = Evaluation(
        candidate="0" * 32,
        split="train",
        status=Status.TIMEOUT,
        detail="no answer within 30 s",
        censored=Censored(workload="train/3", limit="wall_s", after_s=30.0),
    )
    archive.store_evaluation(run.id, late, "search", 1, 1)
    findings = findings_of(archive, run, PROBLEM)
    assert "Censored by a deadline, without a score: 1 at 30 s (wall_s)" in findings.notes
    for text in (html_of(findings, {}), markdown_of(findings, ())):
        assert "Censored by a deadline, without a score: 1 at 30 s (wall" in text.replace("\\", "")
