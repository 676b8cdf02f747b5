"""The rows of one run, read past the product: what promise 2 says about them, counted independently."""

import json
import sqlite3
import urllib.request
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from support.openai_server import digest_of

UNCOUNTED = ("no_candidate", "duplicate")
READING_S = 2.0
"""A reply that was out this long before a kill must have been read and be a row, also on a busy machine."""
SENDING_S = 2.0
"""A request whose row is older than this at a kill must have reached the server."""
UNREAD = ("hang", "drop")
"""Behaviours of the server that never complete a reply."""

Row = dict[str, Any]


class Kill(NamedTuple):
    """One SIGKILL."""

    at: float
    """Seconds on the machine's monotonic clock."""
    epoch: float
    """The same instant in seconds since the epoch."""


@dataclass
class Served:
    """What the model's server saw."""

    requests: int = 0
    tokens: int = 0
    entries: list[Row] = field(default_factory=list)
    sent: dict[int, float] = field(default_factory=dict)


def served(base_url: str) -> Served:
    """Ask the server for its log."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/log", timeout=60) as answer:
        told = json.load(answer)
    return Served(told["requests"], told["tokens"], told["entries"], {int(k): v for k, v in told["sent"].items()})


def rows(database: Path, query: str) -> list[Row]:
    """Return a query's rows without changing the file; nothing where there is no table yet.

    Opened read-only: an ordinary connection would recover the log of a killed process in the product's place.
    """
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error) or "unable to open" in str(error):
            return []
        raise


def progress(database: Path) -> int:
    """Return how many designs were judged, those of the verdict included."""
    found = rows(database, "SELECT count(*) AS n FROM evaluations WHERE status != 'duplicate'")
    return int(found[0]["n"]) if found else 0


def evaluations_used(database: Path) -> int:
    """Return how many of the budget's evaluations are committed."""
    outcomes = [row["outcome"] for row in rows(database, "SELECT outcome FROM tickets WHERE outcome IS NOT NULL")]
    return sum(outcome not in UNCOUNTED for outcome in outcomes)


def check_evaluations(database: Path) -> None:
    """No evaluation is there twice, and the file is whole."""
    assert rows(database, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    found = rows(database, "SELECT ticket, turn, candidate_id, split, purpose FROM evaluations")
    # Those of a verdict have no ticket: there a design may be measured once for each purpose.
    places = Counter(
        (row["ticket"], row["turn"], row["split"], row["purpose"], row["candidate_id"] if row["ticket"] is None else "")
        for row in found
    )
    assert {place: count for place, count in places.items() if count > 1} == {}
    committed = [row["number"] for row in rows(database, "SELECT number FROM tickets WHERE outcome IS NOT NULL")]
    assert sorted(committed) == list(range(len(committed))), "tickets are committed in order, without a gap"


class Books(NamedTuple):
    """The requests of a run, as counted from its rows."""

    requests: int
    in_doubt: int
    unsent: int
    """Rows of requests that were killed between the row and the first byte; they are in doubt."""
    charged_tokens: int


def check_requests(database: Path, log: Served, kills: list[Kill]) -> Books:
    """Every request the server saw is a row, none was sent twice, and no reply that was read is lost."""
    requests = rows(
        database,
        "SELECT q.*, p.request_id AS reply, p.prompt_tokens + p.completion_tokens AS used "
        "FROM requests q LEFT JOIN replies p ON p.request_id = q.id ORDER BY q.id",
    )
    for row in requests:
        row["digest"] = digest_of(json.loads(row["body"]))
    asked = Counter((row["run_id"], row["ticket"], row["turn"], row["attempt"]) for row in requests)
    assert all(count == 1 for count in asked.values())
    by_row = Counter(row["digest"] for row in requests)
    by_server = Counter(entry["digest"] for entry in log.entries)
    assert by_server - by_row == Counter(), "a request reached the server without a row of its own, or twice"
    unsent = by_row - by_server
    doubted = [row for row in requests if row["state"] in ("sent", "in_doubt")]
    assert all((row["reply"] is None) == (row in doubted) for row in requests)
    for row in requests:
        if row["digest"] in unsent and unsent[row["digest"]] == by_row[row["digest"]]:
            assert row in doubted, f"request {row['id']} has a reply and never reached the server"
    assert sum(unsent.values()) <= len(doubted)
    _check_doubted(requests, doubted, log, kills)
    charged = sum(row["reserved_tokens"] if row["used"] is None else row["used"] for row in requests)
    assert log.tokens <= charged, "the server billed more than the run is charged at"
    return Books(len(requests), len(doubted), sum(unsent.values()), charged)


def _check_doubted(requests: list[Row], doubted: list[Row], log: Served, kills: list[Kill]) -> None:
    """A request in doubt is the last of its turn, was in flight at a kill, and had not been answered for long."""
    last: dict[tuple[int, int], int] = {}
    for row in requests:
        place = (row["ticket"], row["turn"])
        last[place] = max(last.get(place, 0), row["attempt"])
    arrivals: dict[str, list[Row]] = {}
    for entry in log.entries:
        arrivals.setdefault(entry["digest"], []).append(entry)
    for row in doubted:
        assert row["attempt"] == last[row["ticket"], row["turn"]], f"request {row['id']} was in doubt and asked again"
        kill = next((each for each in kills if each.epoch >= row["sent_at"]), None)
        assert kill is not None, f"request {row['id']} is in doubt though nobody was killed after it was sent"
        arrived = arrivals.get(row["digest"], [])
        # Equal bodies are retries within the turn and this is the last of them.
        if arrived and len(arrived) == sum(each["digest"] == row["digest"] for each in requests):
            entry = arrived[-1]
            out = log.sent.get(entry["number"])
            late = kill.at - out if out is not None and entry["behaviour"] not in UNREAD else 0.0
            assert late < READING_S, f"request {row['id']} was answered {late:.1f} s before the kill, and it is lost"
        else:
            age = kill.epoch - row["sent_at"]
            assert age < SENDING_S, f"request {row['id']} was a row {age:.1f} s before the kill and never sent"


COMPARED = {
    "runs": "problem, problem_options, problem_version, seed, state, reason, champion",
    "tickets": "number, visible, proposer, operator, model, parents, draw, outcome, note",
    "candidates": "ticket, turn, candidate_id, source_hash, parents, operator, proposer, idea",
    "sources": "hash, language, files",
    "insertions": "ticket, cell, score, result, replaced",
    "evaluations": "ticket, turn, candidate_id, split, purpose, status, score, descriptors, detail, decision_hash, "
    "duplicate_of, labels, sandbox, decisions",
    "measurements m JOIN evaluations e ON e.id = m.evaluation_id": "ticket, turn, candidate_id, split, purpose, "
    "position, workload, objective, metrics, m.descriptors, feedback, m.decisions",
}
"""All that a run wrote except ids, times and CPU. (``openings`` are per sitting: an interrupted one is opened anew.)"""


def archive_of(database: Path) -> dict[str, list[str]]:
    """Return the run's outcome, comparable bit for bit: JSON writes a double so that it reads back the same."""
    return {
        table.split()[0]: sorted(json.dumps(row) for row in rows(database, f"SELECT {columns} FROM {table}"))
        for table, columns in COMPARED.items()
    }


def differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> list[str]:
    """Return, in words, the first rows that one archive has and the other has not."""
    found = []
    for table in one:
        missing, extra = set(one[table]) - set(other[table]), set(other[table]) - set(one[table])
        found += [f"{table}: only in the first: {row[:300]}" for row in sorted(missing)[:3]]
        found += [f"{table}: only in the second: {row[:300]}" for row in sorted(extra)[:3]]
        if len(one[table]) != len(other[table]):
            found.append(f"{table}: {len(one[table])} rows against {len(other[table])}")
    return found
