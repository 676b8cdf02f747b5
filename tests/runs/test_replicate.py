"""Replication: the record judged again agrees to the bit, or the first place where it parts is named."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from speciate.agent import Archive, Draw, RunSettings, create_run, open_archive
from speciate.evaluators import Candidate, Evaluation, JudgeTask, Problem, SpeciateError, Status, problem_of
from speciate.runs._replicate import Replication, replicate, subject_of
from speciate.runs._search import environment_of
from speciate.runs.cli import app
from support.trusted import TrustedExecutor

NOISY = """
from random import Random

from support.lanes import Lanes

CLOCK = Random(11)


class Noisy(Lanes):
    noisy = True

    def measure(self, policy, workload):
        found = super().measure(policy, workload)
        moved = found.objective + CLOCK.gauss(0, 0.05)
        return found.model_copy(update={"objective": moved})


def problem(options):
    return Noisy(2)
"""


@pytest.fixture
def archive(settled_file: Path, tmp_path: Path) -> Iterator[Archive]:
    """A settled run of its own."""
    with sqlite3.connect(settled_file) as source, sqlite3.connect(tmp_path / "runs.db") as target:
        source.backup(target)
    archive = open_archive(tmp_path / "runs.db")
    yield archive
    archive.close()


def again(archive: Archive, name: str, run: str | None = None) -> Replication:
    subject = subject_of(archive, name, archive.run(run) if run else None)
    return replicate(archive, subject, TrustedExecutor())


def main(archive: Archive) -> str:
    return next(run.id for run in archive.runs() if run.control_of is None)


def tampered(archive: Archive, candidate_id: str, change: str, split: str) -> None:
    with sqlite3.connect(archive.database.name) as connection:
        rows = "SELECT id FROM evaluations WHERE candidate_id = ? AND split = ?"
        connection.execute(
            f"UPDATE measurements SET {change} WHERE position = 2 AND evaluation_id IN ({rows})", (candidate_id, split)
        )


def test_a_champion_replicates_to_the_bit_on_all_it_was_measured_on(archive: Archive) -> None:
    run = archive.run(main(archive))
    assert run.champion is not None
    found = again(archive, run.champion[:10], run.id)
    assert found.replicated
    assert [replica.split for replica in found.splits] == ["train", "validation", "heldout"]
    # Per workload: an objective, two metrics and two descriptors; for the split: status, descriptors and score.
    assert all(replica.figures == 6 * 5 + 4 for replica in found.splits if replica.split != "train")
    assert "replicated to the bit" in found.lines[1]


def test_openings_are_recorded_and_nothing_else_is_written(archive: Archive) -> None:
    run = main(archive)
    rows, opened = len(archive.evaluations(run)), archive.openings(run)
    again(archive, "earliest-finish", run)
    assert len(archive.evaluations(run)) == rows
    new = archive.openings(run)[len(opened) :]
    assert [(each.split, each.reason) for each in new] == [
        ("validation", "replication of earliest-finish"),
        ("heldout", "replication of earliest-finish"),
    ]


def test_where_a_figure_parts_is_said_with_both_values(archive: Archive) -> None:
    run = main(archive)
    baseline = next(b for b in problem_of(archive.run(run).problem).baselines() if b.name == "earliest-finish")
    (before,) = archive.evaluations(run, candidate_id=baseline.candidate.id, split="heldout")
    third = before.evaluation.measurements[2]
    tampered(archive, baseline.candidate.id, "metrics = json_set(metrics, '$.last_s', 0.5)", "heldout")
    found = again(archive, "earliest-finish", run)
    assert not found.replicated
    train, validation, heldout = found.splits
    assert not train.partings
    assert not validation.partings
    (parting,) = heldout.partings
    assert (parting.workload, parting.figure) == (third.workload, "metric last_s")
    assert (parting.recorded, parting.found) == ("0.5", repr(third.metrics["last_s"]))
    line = found.lines[3]
    assert line.startswith(f"heldout: PARTS at {third.workload}, metric last_s: recorded 0.5, now ")
    environment = environment_of("process")
    recorded = archive.run(run).environment
    assert ("as the run recorded it" in found.lines[-1]) == all(recorded[k] == environment[k] for k in environment)


def test_a_last_bit_is_a_parting(archive: Archive) -> None:
    run = main(archive)
    least = next(b for b in problem_of(archive.run(run).problem).baselines() if b.name == "least-backlog")
    tampered(archive, least.candidate.id, "objective = objective * (1 + 2.3e-16)", "train")
    found = again(archive, "least-backlog", run)
    assert [parting.figure for parting in found.splits[0].partings] == ["objective"]


def test_what_changed_in_the_environment_is_named(archive: Archive) -> None:
    run = main(archive)
    with sqlite3.connect(archive.database.name) as connection:
        connection.execute(
            "UPDATE runs SET problem_version = '0', environment = json_set(environment, '$.python', '2.7')"
        )
    found = again(archive, "earliest-finish", run)
    then, now = found.changed["problem version"]
    assert then == "0"
    assert now.startswith("1+")
    assert found.changed["python"][0] == "2.7"
    assert "python 2.7 then" in found.lines[-1]
    assert found.replicated


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def choose(job, yard):\n    return 1 // 0\n", Status.CRASHED),
        ("def choose(job, yard):\n    return 99\n", Status.PROTOCOL),
        ("def choose(job, yard):\n    return yard.now // 1e9 or 1 // int(yard.now < 1.0)\n", Status.CRASHED),
    ],
)
def test_a_failed_design_replicates_too(archive: Archive, source: str, status: Status) -> None:
    run, candidate = main(archive), Candidate.from_source(source)
    word = judged(archive, run, candidate)
    assert word.status is status
    found = again(archive, candidate.id, run)
    assert found.replicated
    assert found.splits[0].status == status
    with sqlite3.connect(archive.database.name) as connection:
        connection.execute("UPDATE evaluations SET status = 'timeout' WHERE candidate_id = ?", (candidate.id,))
    (parting,) = again(archive, candidate.id, run).splits[0].partings
    assert parting.figure == "status"
    assert parting.found.startswith(status.value)


def judged(archive: Archive, run: str, candidate: Candidate, split: str = "train") -> Evaluation:
    """Judge a candidate and write all of it, as a search does."""
    tickets = archive.tickets(run)
    ticket = archive.issue(run, len(tickets), len(tickets), "genetic", Draw("hook", (), 1))
    archive.store_candidate(run, ticket.number, 0, candidate, "")
    task = JudgeTask.model_validate({"problem": archive.run(run).problem, "candidate": candidate, "split": split})
    word = TrustedExecutor().submit(task).result()
    archive.store_evaluation(run, word, "search", ticket.number, 0)
    return word


def test_a_reused_evaluation_is_held_against_the_design_itself(archive: Archive) -> None:
    run = main(archive)
    first = archive.evaluations(run, purpose="search", status=Status.OK)[0].evaluation
    same = Candidate.from_source(archive.candidate(run, first.candidate).candidate.source + "\n\nUNUSED = 1\n")
    tickets = archive.tickets(run)
    archive.issue(run, len(tickets), len(tickets), "genetic", Draw("hook", (), 1))
    archive.store_candidate(run, len(tickets), 0, same, "")
    told = {"candidate": same.id, "status": Status.DUPLICATE, "duplicate_of": first.candidate}
    archive.store_evaluation(run, first.model_copy(update=told), "search", len(tickets), 0)
    found = again(archive, same.id, run)
    assert found.replicated
    assert f"reused from {first.candidate[:12]}" in found.splits[0].words


@pytest.fixture
def noisy(tmp_path: Path, run_settings: RunSettings) -> tuple[Archive, str, Problem]:
    path = tmp_path / "noisy.py"
    path.write_text(NOISY)
    settings = run_settings.model_copy(
        update={"problem": run_settings.problem.model_copy(update={"name": str(path)}), "sandbox": "process"}
    )
    problem = problem_of(settings.problem)
    archive = open_archive(tmp_path / "noisy.db", create=True)
    return archive, create_run(archive, settings, problem, [problem.seed()], environment_of("process")), problem


def test_a_noisy_design_replicates_within_its_interval_and_a_moved_one_parts(
    noisy: tuple[Archive, str, Problem],
) -> None:
    archive, run, problem = noisy
    design = Candidate.from_source(problem.baselines()[-1].candidate.source + "\n\nMINE = 1\n")
    first = judged(archive, run, design)
    faithful = again(archive, design.id, run)
    assert faithful.replicated, faithful.lines
    assert faithful.splits[0].rule == "within the interval"
    moved = [m.model_copy(update={"objective": m.objective + 3.0}) for m in first.measurements]
    word = first.model_copy(update={"measurements": tuple(moved)})
    for _ in range(4):
        archive.store_evaluation(run, word, "search")
    parted = again(archive, design.id, run)
    assert not parted.replicated
    assert parted.splits[0].partings[0].figure == "mean objective"
    assert "interval [" in parted.splits[0].partings[0].recorded
    archive.close()


def test_names_that_cannot_be_are_told(archive: Archive) -> None:
    run = main(archive)
    for text, said in (("nobody", "none"), (run, "its champion is"), ("first-lan", "none")):
        with pytest.raises(SpeciateError, match=said):
            subject_of(archive, text, None)
    subject = subject_of(archive, archive.best(run)[0].candidate_id, archive.run(run))
    with sqlite3.connect(archive.database.name) as connection:
        connection.execute("DELETE FROM evaluations WHERE split = 'heldout'")
    with pytest.raises(SpeciateError, match="not on heldout"):
        replicate(archive, subject, TrustedExecutor(), ["heldout"])


def test_a_baseline_whose_code_was_changed_since_is_told(archive: Archive) -> None:
    run = main(archive)
    with sqlite3.connect(archive.database.name) as connection:
        connection.execute(
            "UPDATE evaluations SET candidate_id = 'f00d' WHERE purpose = 'baseline:earliest-finish' AND run_id = ?",
            (run,),
        )
    with pytest.raises(SpeciateError, match="the baseline was changed since"):
        subject_of(archive, "earliest-finish", archive.run(run))


def test_the_command_says_it_with_its_exit_code(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    run = archive.run(main(archive))
    assert run.champion is not None
    db = ["--db", archive.database.name]
    # The record was judged without a boundary, so it has no decision hash: the sandbox must not change a figure.
    assert app(["replicate", run.champion[:12], "--run", run.id, "--split", "heldout", *db]) == 0
    assert "heldout: replicated to the bit" in capsys.readouterr().out
    tampered(archive, run.champion, "objective = 9.0", "heldout")
    assert app(["replicate", run.champion[:12], "--run", run.id, "--split", "heldout", "--json", *db]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["replicated"] is False
    assert told["splits"][0]["partings"][0]["recorded"] == "9.0"
    assert app(["replicate", "nobody", *db]) == 2
    assert app(["replicate", run.champion, "--split", "test", *db]) == 2
    assert "expected one of train, validation, heldout" in capsys.readouterr().err
