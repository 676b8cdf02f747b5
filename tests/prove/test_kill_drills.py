"""``kill -9`` at random instants of real runs, each followed by ``speciate resume``: promise 2, from outside.

The run is the command line in a process of its own, the model a server in another. Only the process that the
user started is killed. Everything is counted from the rows and from the server's log, past the product's code.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest
from prove.ledger import (
    STEPS,
    archive_of,
    check_evaluations,
    check_requests,
    differences,
    evaluations_used,
    rows,
    served,
)
from prove.sitting import Drill
from support import openai_server

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")
PROBLEM = ["serving-router", "--option", "heldout_seeds=2", "--rivals", "1"]
SHORT = ["--option", "requests=200"]
"""Enough where the model is what takes long."""
LONG = ["--option", "requests=500"]
"""Here judging is all there is to interrupt, so one takes several times as long as the wait before an aimed kill."""
WINDOW = 8
"""Tickets that are in flight at a time: aimed kills leave as many for the end of the search."""
VERDICT = 10
"""About how many designs a verdict measures: validation's finalists and baselines, then held-out."""


@pytest.fixture
def base_url(tmp_path: Path, known: set[int]) -> Iterator[str]:
    """A model behind HTTP that answers well and badly: diffs, rewrites, fenced, cut off, unusable, 429, 500, ..."""
    words = ["--script", "mixed", "--seed", "7", "--hang-s", "1", "--delay-s", "0.3"]
    server = subprocess.Popen([sys.executable, openai_server.__file__, *words], stdout=subprocess.PIPE, text=True)
    known.add(server.pid)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize("budget", ["evaluations", "tokens"])
def test_run_with_a_model_loses_nothing_and_pays_nothing_twice(
    budget: str, tmp_path: Path, base_url: str, known: set[int], full: bool, tell: Callable[[str], None]
) -> None:
    kills = {"evaluations": 28 if full else 6, "tokens": 12 if full else 3}[budget]
    aims = list(islice(cycle((*STEPS, None)), kills))
    evaluations = 60 if full else 24
    tokens = 60_000 * kills + 400_000
    limit = ["--evals", str(evaluations)] if budget == "evaluations" else ["--tokens", str(tokens)]
    folder = tmp_path / "run"
    folder.mkdir()
    asked = [*PROBLEM, *SHORT, "--model", "m", "--base-url", base_url, "--seed", "5", "--lessons", "run", *limit]
    drill = Drill(folder, asked, known, seed=11)

    def check() -> None:
        check_evaluations(drill.database)
        check_requests(drill.database, served(base_url), drill.kills)

    ends = (evaluations - WINDOW, evaluations + VERDICT) if budget == "evaluations" else (40, 40)
    drill.kill_at_random(aims, *ends, check)
    drill.finish()
    check()
    before = archive_of(drill.database)
    drill.finish()
    assert differences(before, archive_of(drill.database)) == [], "to resume a finished run changes nothing"

    log = served(base_url)
    books = check_requests(drill.database, log, drill.kills)
    (run,) = rows(drill.database, "SELECT state, reason FROM runs")
    used = evaluations_used(drill.database)
    tell(drill.words)
    tell(
        f"requests {log.requests} at the server, {books.requests} rows ({books.in_doubt} in doubt, {books.unsent} "
        f"never sent); from reply to row at most {books.slowest_row_s:.3f} s"
    )
    tell(
        f"tokens {log.tokens:,} billed, {books.charged_tokens:,} charged; evaluations {used}; {run['state']}: "
        f"{run['reason']}; last process gone {drill.slowest_end_s:.2f} s after its kill"
    )
    assert len(drill.kills) >= kills
    assert all(drill.interrupted[step] >= aims.count(step) for step in STEPS)
    assert books.requests - books.unsent == log.requests
    assert run["state"] == "finished"
    assert books.in_doubt > 0, "no kill met a request in flight: the drill proves nothing about them"
    if budget == "evaluations":
        assert used == evaluations
    else:
        assert log.tokens <= books.charged_tokens <= tokens
        assert "tokens" in run["reason"]
    check_report(drill, books.requests, books.in_doubt, books.charged_tokens)


def test_research_asks_and_measures_nothing_twice(
    tmp_path: Path, known: set[int], full: bool, tell: Callable[[str], None]
) -> None:
    kills, evaluations, whole = (12, 16, 6) if full else (4, 8, 6)
    words = [sys.executable, openai_server.__file__, "--script", "authored", "--delay-s", "0.3"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    known.add(server.pid)
    folder = tmp_path / "run"
    folder.mkdir()
    try:
        assert server.stdout is not None
        base_url = server.stdout.readline().strip()
        asked = [LANES, "--mode", "researcher", "--model", "m", "--base-url", base_url, "--evals", str(evaluations)]
        drill = Drill(folder, [*asked, "--window", "3", "--rivals", "1", "--lessons", "run"], known, seed=3)

        def check() -> None:
            check_evaluations(drill.database)
            check_requests(drill.database, served(base_url), drill.kills)

        drill.kill_at_random([None] * kills, 0.0, 2.0 * evaluations, check)
        drill.finish()
        books = check_requests(drill.database, served(base_url), drill.kills)
    finally:
        server.kill()
        server.communicate()
    check_evaluations(drill.database)
    tried = rows(drill.database, "SELECT ticket, candidate_id, labels FROM evaluations WHERE purpose = 'experiment'")
    assert len({(row["ticket"], row["candidate_id"], row["labels"]) for row in tried}) == len(tried) > 0
    left = (evaluations - evaluations_used(drill.database)) * whole - len(tried)
    assert 0 <= left < whole
    tell(
        f"{len(drill.kills)} kills; {books.requests} requests of researchers ({books.in_doubt} in doubt), "
        f"{len(tried)} experiments, {evaluations_used(drill.database)} of {evaluations} evaluations"
    )
    assert len(drill.kills) == kills


def check_report(drill: Drill, requests: int, in_doubt: int, charged_tokens: int) -> None:
    """The product's own figures are those counted here."""
    findings = json.loads((drill.folder / "reports" / str(drill.run_id) / "findings.json").read_text())
    model = findings["cost"]["models"]["m"]
    assert (model["requests"], model["in_doubt"], model["charged_tokens"]) == (requests, in_doubt, charged_tokens)


def test_killed_search_ends_in_the_archive_of_one_that_was_left_alone(
    tmp_path: Path, known: set[int], full: bool, tell: Callable[[str], None]
) -> None:
    kills, evaluations = (16, 40) if full else (6, 30)
    aims = list(islice(cycle(("judge", "archive", None)), kills))
    asked = [*PROBLEM, *LONG, "--proposer", "genetic", "--seed", "9", "--evals", str(evaluations)]
    archives = {}
    for name, workers in [("one-worker", 1), *([("two-workers", 2)] if full else []), ("killed", 2)]:
        folder = tmp_path / name
        folder.mkdir()
        drill = Drill(folder, asked, known, seed=23)
        if name == "killed":
            # A kill that misses its step has used a few evaluations; the last aim leaves enough for several.
            ends = evaluations - 2 * WINDOW, evaluations + VERDICT
            drill.kill_at_random(aims, *ends, partial(check_evaluations, drill.database))
        drill.finish(workers)
        check_evaluations(drill.database)
        assert evaluations_used(drill.database) == evaluations
        archives[name] = archive_of(drill.database)
    first = archives.pop("one-worker")
    tell(drill.words)
    tell(
        f"{len(first['tickets'])} tickets, {len(first['candidates'])} candidates, "
        f"{len(first['evaluations'])} evaluations, {len(first['measurements'])} measurements, "
        f"{len(first['insertions'])} insertions; last process gone {drill.slowest_end_s:.2f} s after its kill"
    )
    assert len(drill.kills) >= kills
    assert all(drill.interrupted[step] >= aims.count(step) for step in ("judge", "archive"))
    for name, archive in archives.items():
        assert differences(first, archive) == [], f"one-worker against {name}"
