"""Values beyond the proven bound: told at once, listed with their evidence, and never an elite."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from speciate.agent import Archive, GeneticProposer, RunRecord, RunSettings, create_run, open_archive, search
from speciate.evaluators import Candidate, Evaluation, EvaluationCache, JudgeTask, Problem, problem_of
from speciate.runs._alarms import alarms_of
from speciate.runs._findings import findings_of
from speciate.runs._overview import candidate_lines, run_json, run_lines
from speciate.runs._progress import Lines
from speciate.runs._report import html_of, markdown_of
from speciate.runs._tally import Tally
from support.trusted import TrustedExecutor

BOUND = 1.25
BOUNDED = f'''
from support.lanes import Lanes


class Bounded(Lanes):
    def bound(self, workload):
        return {BOUND}


def problem(options):
    return Bounded(3)
'''


@pytest.fixture
def bounded(tmp_path: Path, run_settings: RunSettings) -> RunSettings:
    """A problem whose bound is wrong: honest designs pass it."""
    path = tmp_path / "bounded.py"
    path.write_text(BOUNDED)
    return run_settings.model_copy(update={"problem": run_settings.problem.model_copy(update={"name": str(path)})})


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Archive]:
    archive = open_archive(tmp_path / "new.db", create=True)
    yield archive
    archive.close()


def searched(archive: Archive, settings: RunSettings) -> tuple[RunRecord, Problem, str]:
    """Search, and return the run, its problem and what the progress said."""
    problem = problem_of(settings.problem)
    starters = [problem.seed(), *(baseline.candidate for baseline in problem.baselines())]
    run = archive.run(create_run(archive, settings, problem, starters))
    executor, stream = TrustedExecutor(), io.StringIO()
    lines = Lines(stream)
    lines.begin(Tally(archive, run, problem))

    async def judge(candidate: Candidate, cache: EvaluationCache | None) -> Evaluation:
        return executor.submit(JudgeTask(problem=run.problem, candidate=candidate), cache).result()

    asyncio.run(search(archive, run.id, problem, GeneticProposer(problem), judge, lines.on_event))
    return archive.run(run.id), problem, stream.getvalue()


def test_alarms_tell_candidate_workload_value_and_bound_everywhere(empty: Archive, bounded: RunSettings) -> None:
    run, problem, said = searched(empty, bounded)
    alarms = alarms_of(empty, run, problem)
    assert alarms
    cheated = {t.number: t for t in empty.tickets(run.id) if t.outcome == "cheated"}
    assert {alarm.ticket for alarm in alarms} == set(cheated)
    for alarm in alarms:
        assert alarm.bound == BOUND
        assert alarm.value is not None
        assert alarm.value < BOUND
        assert alarm.workload in {w.name for w in problem.workloads("train")}
        assert f"ALARM: ticket {alarm.ticket} " in said
    assert not {elite.ticket for elite in empty.elites(run.id)} & set(cheated)

    shown = "\n".join(run_lines(empty, run))
    assert shown.count("ALARM") == len(alarms)
    assert alarms[0].candidate_id[:12] in shown
    assert f"{BOUND:.6g}" in shown
    assert '"alarms": [' in run_json(empty, run)
    evidence = empty.candidate(run.id, alarms[0].candidate_id)
    assert evidence.candidate.source.strip() in "\n".join(candidate_lines(empty, run, evidence))

    findings = findings_of(empty, run, problem)
    assert findings.alarms == alarms
    for text in (html_of(findings, {}), markdown_of(findings, ())):
        assert "Alarms" in text
        assert alarms[0].candidate_id[:12] in text
        assert alarms[0].workload.split("/")[-1] in text


def test_a_run_without_alarms_says_nothing_of_them(archive: Archive, run: RunRecord, lanes: Problem) -> None:
    assert alarms_of(archive, run, lanes) == ()
    assert "ALARM" not in "\n".join(run_lines(archive, run))
    assert "Alarms" not in html_of(findings_of(archive, run, lanes), {})


def test_a_guard_that_was_tripped_has_no_value(archive: Archive, run: RunRecord, lanes: Problem) -> None:
    ok = archive.evaluations(run.id, purpose="search")[0].evaluation
    told = {"candidate": ok.candidate, "split": "train", "status": "cheated", "detail": "the guard was tripped"}
    archive.store_evaluation(run.id, Evaluation.model_validate({**told, "measurements": ok.measurements}), "search")
    (alarm,) = alarms_of(archive, run, lanes)
    assert (alarm.workload, alarm.value, alarm.bound, alarm.detail) == ("", None, None, "the guard was tripped")
