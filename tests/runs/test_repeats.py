"""A model that repeats itself half the time: what that costs, and that the saving told is the one in the rows."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from math import fsum
from pathlib import Path
from typing import Any

import pytest
from speciate.evaluators import Candidate
from speciate.runs.cli import app
from support import lanes
from support.openai_server import OpenAIServer

STARTERS = [lanes.SHORTEST, lanes.FIRST, lanes.EARLIEST]
PLACES = [(weight, power) for power in (-2.0, -1.0, 1.7) for weight in (12.0, 5.0, 2.0, 0.8, 0.3, 0.1)][:-1]
NEW = [
    lanes.EARLIEST.replace("job.size / lane.speed**POWER", f"{weight} * job.size / lane.speed**{power}")
    for weight, power in PLACES
]
"""Designs of which no two answer the probe alike."""
WINDOW = 8
SEEN_AFTER = 3 * WINDOW
"""Replies after which a design is surely committed before the next ticket is drawn."""


def reformatted(text: str) -> str:
    """Return the same design in other words: comments, blank lines and parentheses."""
    return text.replace("best, least = 0, 1e300", "best, least = (0,\n                   (1e300))  # nothing yet\n")


def behaving_alike(text: str) -> str:
    """Return other code that decides the same."""
    return text.replace("score = lane.backlog", "score = 0.0 + lane.backlog")


def repeating() -> list[str]:
    """Return replies, every second one a repeat: at once, reformatted, of a starting design, or alike in behaviour.

    The last is a new one, with which the budget is used up.
    """
    replies: list[str] = []
    for number, text in enumerate(NEW):
        if len(replies) >= SEEN_AFTER:
            repeat = behaving_alike(replies[-SEEN_AFTER])
        else:
            repeat = (text, reformatted(text), STARTERS[number // 3 % 3])[number % 3]
        replies += [text, repeat]
    return replies[:-1]


def rows(database: Path, query: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def test_repeats_cost_no_evaluation_and_the_saving_told_is_the_one_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = repeating()
    distinct = {Candidate.from_source(text).id for text in [*STARTERS, *NEW]}
    alike = {Candidate.from_source(text).id for text in replies} - distinct
    assert len(distinct) == len(STARTERS) + len(NEW)
    assert len(alike) >= 3
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    db, report = tmp_path / "runs.db", tmp_path / "report"
    words = ["--model", "m", "--operators", "rewrite,diff", "--evals", str(len(distinct)), "--workers", "2"]
    words += ["--sandbox", "process"]
    with OpenAIServer(["given"], sources=replies, delay_s=0.02) as server:
        asked = ["run", lanes.__file__, *words, "--base-url", server.base_url, "--db", str(db), "--report", str(report)]
        assert app([*asked, "--rivals", "1", "--quiet"]) == 0
        assert server.requests >= len(replies)
    capsys.readouterr()

    told = rows(db, "SELECT * FROM evaluations WHERE purpose = 'search' ORDER BY ticket, turn")
    judged = Counter(row["candidate_id"] for row in told if row["status"] != "duplicate")
    assert judged == Counter(dict.fromkeys(distinct, 1)), "every design is judged once, and no repeat is"
    repeats = [row for row in told if row["status"] == "duplicate"]
    assert len(repeats) >= len(NEW) - 1 - WINDOW, "only what was in flight at the end may be missing"
    by_behaviour = {row["candidate_id"] for row in repeats if row["duplicate_of"] != row["candidate_id"]}
    assert by_behaviour
    assert by_behaviour <= alike
    committed = rows(db, "SELECT outcome FROM tickets WHERE outcome IS NOT NULL")
    outcomes = Counter(row["outcome"] for row in committed)
    assert outcomes == {"ok": len(distinct), "duplicate": len(committed) - len(distinct)}

    costs = {row["candidate_id"]: row["cpu_s"] for row in told if row["status"] != "duplicate"}
    saved = fsum(costs[row["duplicate_of"]] for row in repeats) - fsum(row["cpu_s"] for row in repeats)
    assert all(row["cpu_s"] == 0.0 for row in repeats if row["duplicate_of"] == row["candidate_id"])
    findings = json.loads((report / "findings.json").read_text("utf-8"))
    assert findings["cost"]["evaluations"] == len(distinct)
    dedupe = findings["dedupe"]
    assert dedupe["by_source"] + dedupe["by_behaviour"] == len(repeats)
    assert dedupe["reused_cpu_s"] - dedupe["telling_cpu_s"] == saved
    assert saved > 0.0
    sentence = f"{len(repeats)} evaluations reused, {saved:.2f} s of judging CPU saved"
    assert app(["show", findings["run_id"], "--db", str(db)]) == 0
    assert sentence in capsys.readouterr().out
    assert sentence in (report / "report.md").read_text("utf-8")
    assert sentence in (report / "report.html").read_text("utf-8")
    assert app(["replay", findings["run_id"], "--db", str(db)]) == 0
