"""Whole runs through the command, in processes of their own: start to report, interrupted and resumed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from speciate.agent import RunRecord, open_archive
from support.commands import Command, speciate
from support.openai_server import OpenAIServer
from support.postgres import PostgresServer

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")


def fresh(*args: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``speciate`` from the start of Python on."""
    return subprocess.run(
        [sys.executable, "-m", "speciate", *args], cwd=cwd, capture_output=True, text=True, check=False, timeout=300
    )


def wait_for_evaluations(db: Path, count: int) -> None:
    for _ in range(600):
        time.sleep(0.1)
        if db.exists() and db.stat().st_size and _evaluations(db) >= count:
            return
    pytest.fail(f"no {count} evaluations within a minute")


def _evaluations(db: Path) -> int:
    archive = open_archive(db, create=True)
    try:
        return sum(len(archive.evaluations(run.id, purpose="search")) for run in archive.runs())
    finally:
        archive.close()


def run_in(db: Path) -> tuple[RunRecord, int]:
    """Return the one run of a database, and its evaluations."""
    archive = open_archive(db)
    try:
        (run,) = archive.runs()
        return run, archive.progress(run.id)[-1].evaluations
    finally:
        archive.close()


def test_a_run_goes_from_nothing_to_a_report_with_a_control_arm(tmp_path: Path) -> None:
    done = fresh(
        *("run", LANES, "--evals", "14", "--control", "random", "--control-evals", "6", "--seed", "2"),
        *("--sandbox", "process"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "95 % interval" in done.stdout
    archive = open_archive(tmp_path / "speciate.db")
    run, arm = archive.runs()
    assert (run.state, arm.state, arm.control_of) == ("finished", "finished", run.id)
    assert arm.settings.proposer == "random"
    assert archive.progress(run.id)[-1].evaluations == 14
    assert run.champion is not None
    archive.close()
    folder = tmp_path / "reports" / run.id
    assert json.loads((folder / "findings.json").read_text())["controls"][0]["design"]["heldout"] is not None
    assert f"report: reports/{run.id}/report.html" in done.stdout

    again = fresh("report", run.id, "--out", "elsewhere", "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["claim"] == json.loads((folder / "findings.json").read_text())["claim"]
    assert "measuring" not in again.stderr


def test_a_quiet_run_lives_on_a_server_from_its_start_to_its_replay(tmp_path: Path, server: PostgresServer) -> None:
    place = ("--db", server.database())
    done = speciate("run", LANES, "--evals", "6", "--sandbox", "process", "--quiet", *place, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()) == 2
    assert done.stderr == ""
    listed = speciate("list", "--json", *place, cwd=tmp_path)
    (run,) = json.loads(listed.stdout)
    assert (run["state"], run["evaluations"]) == ("finished", 6)
    assert (tmp_path / "reports" / run["run"] / "report.html").is_file()
    replayed = speciate("replay", run["run"], *place, cwd=tmp_path)
    assert "identical" in replayed.stdout, replayed.stderr
    assert not list(tmp_path.glob("*.db*"))


def test_an_interrupted_run_says_how_to_resume_and_resumes(tmp_path: Path) -> None:
    """By either signal, one after the other."""
    words = ["run", LANES, "--evals", "60", "--sandbox", "process"]
    evaluations = 0
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        process = Command(words, tmp_path)
        wait_for_evaluations(tmp_path / "speciate.db", evaluations + 5)
        process.send_signal(signal_)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, out + err
        assert "Traceback" not in err
        evaluations = _evaluations(tmp_path / "speciate.db")
        run, _ = run_in(tmp_path / "speciate.db")
        assert f"speciate resume {run.id}" in err
        assert run.state == "stopped"
        assert run.champion is None
        words = ["resume", run.id]
    resumed = speciate(*words, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    run, evaluations = run_in(tmp_path / "speciate.db")
    assert (run.state, evaluations) == ("finished", 60)


def test_a_killed_run_goes_on_with_its_control_arm(tmp_path: Path) -> None:
    arms = ("--control", "no-archive", "--control-evals", "5")
    process = Command(("run", LANES, "--evals", "14", *arms, "--sandbox", "process"), tmp_path)
    wait_for_evaluations(tmp_path / "speciate.db", 5)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    archive = open_archive(tmp_path / "speciate.db")
    run, arm = archive.runs()
    resumed = speciate("resume", run.id, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert archive.progress(run.id)[-1].evaluations == 14
    assert archive.progress(arm.id)[-1].evaluations == 5
    archive.close()


def test_a_model_drives_the_same_command_and_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    with OpenAIServer(script=["prose", "rewrite", "diff", "rewrite"], seed=4) as server:
        done = speciate(
            *("run", LANES, "--model", "m", "--base-url", server.base_url, "--evals", "8", "--sandbox", "process"),
            *("--price-in", "1", "--price-out", "2", "--usd", "5", "--json"),
            *("--control", "best-of-n", "--control-evals", "6"),
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        findings = json.loads(done.stdout)
        (arm,) = findings["controls"]
        assert arm["arm"] == "best-of-n"
        assert arm["cost"]["requests"] > 0
        assert findings["cost"]["requests"] > 0
        assert findings["cost"]["requests"] + arm["cost"]["requests"] == server.requests
    said = done.stderr.splitlines()
    assert said[0].startswith("control arm best-of-n asks the models too")
    assert "up to 5 USD, 6 evaluations" in said[0]
    assert "8/8 evaluations" in done.stderr
    assert findings["proposer"] == "llm"
    assert findings["cost"]["usd"] > 0
    assert findings["models"] == ["m"]


def test_a_wrong_key_ends_with_one_line_and_a_way_back(tmp_path: Path) -> None:
    with OpenAIServer(script=["http_401"], seed=4) as server:
        done = speciate(
            *("run", LANES, "--model", "m", "--base-url", server.base_url, "--evals", "8", "--sandbox", "process"),
            cwd=tmp_path,
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("speciate: ")
    assert "speciate resume" in done.stderr
