import asyncio
import json
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from speciate.agent import LLMProposer, open_archive, search
from speciate.evaluators import Candidate, Evaluation, EvaluationCache, JudgeTask, Problem
from speciate.runs._search import new_run
from speciate.runs.cli import app
from support.openai_server import OpenAIServer
from support.trusted import TrustedExecutor

from .conftest import settings

LANES = Path(__file__).parent.parent / "support" / "lanes.py"
REPLIES = (
    "SELECT q.ticket, q.turn, q.attempt, q.state, p.text, p.outcome FROM requests q LEFT JOIN replies p "
    "ON p.request_id = q.id WHERE q.run_id = ? ORDER BY q.ticket, q.turn, q.attempt"
)


@pytest.fixture
def copied(searched_file: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copied"
    shutil.copytree(searched_file.parent, folder)
    return folder / searched_file.name


def run_and_arm(path: Path) -> list[str]:
    archive = open_archive(path)
    ids = [run.id for run in archive.runs()]
    archive.close()
    return ids


def test_run_and_its_control_arm_replay_to_the_same_and_leave_nothing(copied, capsys):
    before = run_and_arm(copied)
    for run_id in before:
        assert app(["replay", run_id, "--db", str(copied)]) == 0
        assert "identical; digest " in capsys.readouterr().out
    assert run_and_arm(copied) == before
    assert {each.name for each in copied.parent.iterdir()} <= {"runs.db", "runs.db-wal", "runs.db-shm"}


def test_kept_replay_is_a_run_of_its_own_that_replays_again(copied, tmp_path, capsys):
    kept = tmp_path / "kept" / "again.db"
    assert app(["replay", run_and_arm(copied)[0], "--db", str(copied), "--into", str(kept), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"]
    assert told["recorded"] == told["digest"]
    (again,) = run_and_arm(kept)
    assert app(["replay", again, "--db", str(kept), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == told["digest"]


def test_record_that_parts_exits_with_1_and_names_the_ticket(copied, capsys):
    run_id = run_and_arm(copied)[0]
    archive = open_archive(copied)
    last = max(entry.ticket for entry in archive.insertions(run_id))
    with archive.database.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE insertions SET score = score + 1 WHERE run_id = '{run_id}' AND ticket = {last}"
        )
    archive.close()
    assert app(["replay", run_id, "--db", str(copied)]) == 1
    assert f"at ticket {last}: archive: recorded " in capsys.readouterr().out


def test_unknown_run_is_a_users_mistake(copied, capsys):
    assert app(["replay", "nobody", "--db", str(copied)]) == 2
    assert "expected the id of one run" in capsys.readouterr().err


def test_judged_again_in_a_sandbox_it_is_the_same(tmp_path, capsys):
    db = str(tmp_path / "judged.db")
    words = ["--evals", "6", "--sandbox", "process", "--rivals", "1", "--quiet", "--db", db]
    assert app(["run", str(LANES), *words, "--report", str(tmp_path / "report")]) == 0
    capsys.readouterr()
    assert app(["replay", "lanes", "--judge", "--executor", "inline", "--db", db, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identical"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, lanes: Problem) -> Path:
    """A run with a model that answers well and badly, as it was recorded; its server is gone."""
    path = tmp_path_factory.mktemp("cassette") / "runs.db"
    script = ["diff", "rewrite", "prose", "fenced", "http_429", "stale_diff", "no_content", "rewrite", "diff"]
    with OpenAIServer(script * 4, seed=4, retry_after_s=0.0) as server, closing(open_archive(path, create=True)) as it:
        models = [{"name": "m", "base_url": server.base_url, "timeout_s": 5.0}]
        run = new_run(it, settings(proposer="llm", models=models))
        executor = TrustedExecutor()

        async def judge(candidate: Candidate, cache: EvaluationCache | None, repetition: int = 0) -> Evaluation:
            return executor.submit(JudgeTask(problem=run.problem, candidate=candidate), cache).result()

        async def record() -> None:
            environ = {"OPENAI_API_KEY": "sk-of-the-recording"}
            async with LLMProposer(lanes, run.settings, it.database, run.id, environ=environ) as proposer:
                await search(it, run.id, lanes, proposer, judge)

        asyncio.run(record())
    return path


@pytest.fixture
def cassette(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, where there is neither a network nor a key."""

    def refused(self: socket.socket, address: object) -> None:
        raise AssertionError(f"a replay connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    shutil.copytree(recorded.parent, tmp_path / "cassette")
    return tmp_path / "cassette" / recorded.name


def replies(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        (run_id,) = connection.execute("SELECT id FROM runs").fetchone()
        return connection.execute(REPLIES, (run_id,)).fetchall()


def test_recorded_run_with_a_model_is_a_cassette_that_needs_no_network(cassette, tmp_path, capsys):
    kept, recording = tmp_path / "kept.db", replies(cassette)
    assert {"diff", "rewrite", "no_code", "diff_failed"} <= {row[-1] for row in recording}
    assert {"replied", "failed"} <= {row[3] for row in recording}
    assert app(["replay", "lanes", "--db", str(cassette), "--into", str(kept), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"]
    assert replies(kept) == recording
    assert app(["replay", "lanes", "--db", str(kept), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == told["digest"]


def test_cassette_whose_reply_reads_otherwise_now_names_the_ticket(cassette, capsys):
    with closing(sqlite3.connect(cassette)) as connection:
        last = "SELECT max(id) FROM requests WHERE id IN (SELECT request_id FROM replies WHERE outcome = 'rewrite')"
        (number, ticket) = connection.execute(f"SELECT id, ticket FROM requests WHERE id = ({last})").fetchone()
        program = "```python\ndef choose(job, yard):\n    return 1\n```"
        connection.execute("UPDATE replies SET text = ? WHERE request_id = ?", (program, number))
        connection.commit()
    assert app(["replay", "lanes", "--db", str(cassette)]) == 1
    assert f"parts from the record at ticket {ticket}: turn 0: recorded " in capsys.readouterr().out
