"""Rows before sending, rows before reading, and what a kill leaves behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from speciate.agent import Draw, Proposal, usage_summary
from speciate.agent._requests import Place, RequestLog, Reservation, body_hash
from sqlalchemy.exc import IntegrityError
from support.llm_runs import KEY, LLMRun, llm_run
from support.openai_server import OpenAIServer

CHILD = """
import asyncio, sys
from pathlib import Path
from speciate.agent import Draw, LLMProposer, open_archive
from support.lanes import problem
from support.llm_runs import LLMRun

archive = open_archive(Path(sys.argv[1]))
run = LLMRun(archive, sys.argv[2], archive.run(sys.argv[2]).settings, problem({}))
draw = Draw(operator="rewrite", parents=(0, 1), seed=1, model="m")

async def sitting():
    async with run.proposer() as proposer:
        await asyncio.gather(*(proposer.write(run.again(int(n), draw)) for n in sys.argv[3:]))

asyncio.run(sitting())
"""


def start(run: LLMRun, folder: Path, tickets: list[int]) -> subprocess.Popen[bytes]:
    """Start a sitting in a process of its own."""
    command = [sys.executable, "-c", CHILD, str(folder / "runs.db"), run.run_id, *map(str, tickets)]
    tests = str(Path(__file__).parents[1])
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": tests})


def wait_for(server: OpenAIServer, requests: int) -> None:
    """Wait until the server has seen so many requests."""
    deadline = time.monotonic() + 60
    while server.requests < requests:
        assert time.monotonic() < deadline, f"expected {requests} requests, got {server.requests}"
        time.sleep(0.02)


def again(run: LLMRun, tickets: list[int]) -> list[Proposal]:
    """Enter the tickets again, as a resumed run does."""
    draw = Draw(operator="rewrite", parents=(0, 1), seed=1, model="m")

    async def sitting() -> list[Proposal]:
        async with run.proposer() as proposer:
            return list(await asyncio.gather(*(proposer.write(run.again(n, draw)) for n in tickets)))

    return asyncio.run(sitting())


def test_a_request_in_flight_at_a_kill_is_in_doubt_and_never_sent_again(tmp_path):
    with OpenAIServer(["rewrite", "hang", "rewrite"], hang_s=60) as server:
        run = llm_run(tmp_path, server.base_url, timeout_s=60)
        tickets = [run.task().ticket, run.task().ticket]
        child = start(run, tmp_path, tickets)
        wait_for(server, 2)
        while [row["state"] for row in run.rows()].count("replied") < 1:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        before = {row["ticket"]: dict(row) for row in run.rows()}
        assert sorted(row["state"] for row in before.values()) == ["replied", "sent"]

        proposals = dict(zip(tickets, again(run, tickets), strict=True))
        assert server.requests == len(run.rows()) == 2
        for ticket, row in before.items():
            if row["state"] == "replied":
                assert proposals[ticket].candidate is not None
            else:
                assert proposals[ticket].candidate is None
                assert "in doubt" in proposals[ticket].note
    lost = next(row for row in run.rows() if row["state"] == "in_doubt")
    total = usage_summary(run.archive.database, run.run_id).total
    assert total.in_doubt == 1
    assert total.charged_tokens == total.total_tokens + lost["reserved_tokens"]


@pytest.mark.parametrize(("api", "delay_s"), [("chat", 0.0), ("responses", 0.4), ("chat", 0.9), ("responses", 1.5)])
def test_a_kill_at_any_instant_loses_no_reply_and_pays_for_none_twice(tmp_path, api, delay_s):
    with OpenAIServer(["mixed"], seed=5, hang_s=0.5, delay_s=0.05) as server:
        run = llm_run(tmp_path, server.base_url, api=api)
        tickets = [run.task().ticket for _ in range(6)]
        child = start(run, tmp_path, tickets)
        wait_for(server, 1)
        time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
        child.wait()
        received = {row["id"]: row["text"] for row in run.rows() if row["state"] == "replied"}
        again(run, tickets)
        rows = run.rows()
        assert {row["id"]: row["text"] for row in rows if row["id"] in received} == received
        keys = [(row["ticket"], row["turn"], row["attempt"]) for row in rows]
        assert len(set(keys)) == len(keys)
        in_doubt = sum(row["state"] == "in_doubt" for row in rows)
        assert len(rows) - in_doubt <= server.requests <= len(rows)
        settled = len(rows), server.requests
        again(run, tickets)
        assert (len(run.rows()), server.requests) == settled


def test_a_row_is_there_before_the_server_sees_the_request(tmp_path):
    with OpenAIServer(["rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url)
        seen: list[list[str]] = []
        server.on_request = lambda: seen.append([row["state"] for row in run.rows()])
        run.task()
        again(run, [1])
        [row] = run.rows()
    assert seen == [["sent"]]
    assert row["hash"] == body_hash(server.bodies[0]) == body_hash(row["body"])
    assert row["body"] == server.bodies[0]
    assert KEY not in json.dumps(row["body"])


def test_a_cancelled_request_is_in_doubt_for_the_next_sitting(tmp_path):
    with OpenAIServer(["hang"], hang_s=30) as server:
        run = llm_run(tmp_path, server.base_url, timeout_s=30)
        task = run.task()

        async def sitting() -> None:
            async with run.proposer() as proposer:
                await asyncio.wait_for(proposer.write(task), 1.0)

        with pytest.raises(TimeoutError):
            asyncio.run(sitting())
        assert "in doubt" in again(run, [task.ticket])[0].note
        assert server.requests == 1


def test_a_request_needs_its_ticket(tmp_path):
    run = llm_run(tmp_path, "http://127.0.0.1:9/v1")
    log = RequestLog(run.archive.database, run.run_id)
    with pytest.raises(IntegrityError):
        log.send(Place(99, 0), 0, {"model": "m"}, "http://127.0.0.1:9/v1", Reservation(1, None))


def test_the_hash_does_not_depend_on_the_order_of_keys():
    assert body_hash({"a": 1, "b": [1, "ä"]}) == body_hash({"b": [1, "ä"], "a": 1})
    assert body_hash({"a": 1}) != body_hash({"a": 2})


def test_a_run_that_asked_nothing_sums_to_nothing(tmp_path):
    run = llm_run(tmp_path, "http://127.0.0.1:9/v1")
    summary = usage_summary(run.archive.database, run.run_id)
    assert (summary.total.requests, summary.total.charged_usd, summary.models) == (0, 0.0, {})
