"""``speciate new``: every scaffold runs at once, through the real sandbox, and says what to type next."""

import re
from pathlib import Path

import pytest
from conftest import missing
from speciate.agent import open_archive
from speciate.evaluators import (
    KernelProblem,
    Place,
    ProblemError,
    SandboxUnavailableError,
    Status,
    evaluator_of,
    judge_inline,
    load_problem,
    sandbox_named,
)
from speciate.evaluators.kernel._checks import verify
from speciate.runs._new import scaffold
from speciate.runs.cli import app
from support.commands import speciate

KINDS = ("policy", "plan", "program", "command")


@pytest.fixture
def isolated() -> None:
    """A sandbox that takes whole programs."""
    try:
        sandbox_named()
    except SandboxUnavailableError as error:
        missing(str(error))


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaffold_is_a_whole_problem_with_baselines_in_a_sane_order(
    kind: str, tmp_path: Path, isolated: None
) -> None:
    made = scaffold(tmp_path / "my-own", kind)
    assert {"README.md", "brief.md", "tuned.toml"} <= set(made)
    problem = load_problem(str(tmp_path / "my-own"))
    assert (problem.name, problem.kind) == ("my-own", kind)
    assert len(problem.descriptors) == 2
    baselines = problem.baselines()
    assert len(baselines) >= 3
    assert [baseline.control for baseline in baselines].count(True) == 1
    assert any(baseline.parameters and baseline.tuned_evaluations for baseline in baselines)
    names = [workload.name for split in ("train", "validation", "heldout") for workload in problem.workloads(split)]
    assert len(set(names)) == len(names)
    words = {baseline.name: judge_inline(problem, baseline.candidate) for baseline in baselines}
    seed = judge_inline(problem, problem.seed())
    assert {word.status for word in [*words.values(), seed]} == {Status.OK}
    scores = {name: word.score or 0.0 for name, word in words.items()}
    control = next(baseline.name for baseline in baselines if baseline.control)
    assert max(scores, key=lambda name: scores[name]) == control
    assert min(scores.values()) < (seed.score or 0.0)
    least = problem.bound(problem.workloads("train")[0])
    assert least is not None
    assert all(word.measurements[0].objective >= least for word in words.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaffold_runs_to_a_report_in_the_sandbox(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], isolated: None
) -> None:
    monkeypatch.chdir(tmp_path)
    assert app(["new", f"my-{kind}", "--kind", kind]) == 0
    told = capsys.readouterr().out
    commands = re.findall(r"^  (speciate \w+ .*?)  +#", told, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["check", "run"]
    [*words, budget] = commands[1].split()[1:]
    assert (words[-1], int(budget)) == ("--evals", 40)
    # In a process of its own, as typed: a search has an event loop and judging processes.
    done = speciate(*words, "10", "--seed", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "95 % interval" in done.stdout or "No discovery is claimed" in done.stdout
    archive = open_archive(tmp_path / "speciate.db")
    [run] = archive.runs()
    judged = archive.evaluations(run.id, purpose="search")
    assert run.state == "finished"
    assert archive.progress(run.id)[-1].evaluations == 10
    assert sum(record.evaluation.status is Status.OK for record in judged) >= 6
    assert (tmp_path / "reports" / run.id / "report.html").is_file()
    archive.close()


def test_a_scaffold_of_a_kernel_has_designs_that_are_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], isolated: None
) -> None:
    assert app(["new", str(tmp_path / "my-own"), "--kind", "kernel"]) == 0
    assert "some four minutes" in capsys.readouterr().out
    problem = load_problem(str(tmp_path / "my-own"))
    assert isinstance(problem, KernelProblem)
    assert [baseline.name for baseline in problem.baselines() if baseline.control] == ["column-order"]
    assert len(problem.baselines()) == 4
    for candidate in (problem.seed(), *(baseline.candidate for baseline in problem.baselines())):
        with evaluator_of("kernel").open(problem, candidate, Place(problem.limits, sandbox_named())) as session:
            assert 0 < verify(problem, session.subject) <= 1.0
    with pytest.raises(ProblemError, match="this problem has language"):
        load_problem(str(tmp_path / "my-own"), {"colour": "red"})


def test_a_name_of_ones_own_is_everywhere(tmp_path: Path) -> None:
    scaffold(tmp_path / "somewhere", "command", "night-shift")
    for file in (tmp_path / "somewhere").rglob("*.*"):
        assert "NEW-PROBLEM" not in file.read_text()
    assert load_problem(str(tmp_path / "somewhere")).name == "night-shift"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["full"], "full: expected a new or an empty folder, it holds something: name another DIR"),
        (["full/file.txt"], "it holds something"),
        (["full/file.txt/below"], "cannot be written: Not a directory"),
        (["new", "--name", "My Problem"], "expected lower-case words joined by hyphens, such as my-policy"),
        (["---"], "got '': give --name NAME"),
        (["new", "--kind", "novel"], "Invalid value for '--kind'"),
    ],
)
def test_what_cannot_be_made_is_told_in_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file.txt").write_text("mine")
    assert app(["new", "--", *arguments] if arguments[0] == "---" else ["new", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
    assert (tmp_path / "full" / "file.txt").read_text() == "mine"


def test_an_empty_folder_that_is_there_is_used(tmp_path: Path) -> None:
    assert "problem.py" in scaffold(tmp_path, "policy", "here")
