"""The rows of one run, read past the product: what promise 2 says about them, counted independently."""

import json
import sqlite3
import time
import urllib.request
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from support.openai_server import digest_of

UNCOUNTED = ("no_candidate", "duplicate")
STEPS = ("llm", "judge", "archive")
"""What a kill can interrupt in a ticket's life: a request to a model, a judging, or the way from its row to the
ticket's commit."""
START, VERDICT = "start", "verdict"
"""What else it can: a sitting that had written nothing yet, and what comes when no ticket is open any more."""
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


def written(database: Path) -> tuple[int, ...]:
    """Return how many rows there are, kind by kind: what a sitting leaves unchanged it has not begun to work on."""
    tables = ("tickets", "tickets WHERE outcome IS NOT NULL", "requests", "replies", "candidates", "evaluations")
    counts = [rows(database, f"SELECT count(*) AS n FROM {table}") for table in tables]
    return tuple(int(found[0]["n"]) if found else 0 for found in counts)


def steps(database: Path) -> Counter[str]:
    """Return how many open tickets are in which of ``STEPS``, by the last row of each."""
    found = rows(
        database,
        "SELECT proposer, (SELECT max(turn) FROM candidates c WHERE c.ticket = t.number) AS turn, e.turn AS judged, "
        "e.status, EXISTS (SELECT 1 FROM requests q WHERE q.ticket = t.number AND q.state = 'sent') AS asked "
        "FROM tickets t LEFT JOIN evaluations e ON e.ticket = t.number AND e.purpose = 'search' AND NOT EXISTS "
        "(SELECT 1 FROM evaluations l WHERE l.ticket = e.ticket AND l.purpose = 'search' AND l.turn > e.turn) "
        "WHERE t.outcome IS NULL",
    )
    return Counter(step for step in map(_step, found) if step)


def _step(row: Row) -> str | None:
    if row["asked"]:
        return "llm"
    if row["turn"] is None:
        return None
    if row["judged"] is None or row["judged"] < row["turn"]:
        return "judge"
    mended_next = row["proposer"] == "llm" and row["status"] not in ("ok", "duplicate") and row["judged"] == 0
    return None if mended_next else "archive"


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
    slowest_row_s: float
    """Longest time from a reply's last byte at the server to its row."""


def check_requests(database: Path, log: Served, kills: list[Kill]) -> Books:
    """Every request the server saw is a row, none was sent twice, and no reply that was read is lost."""
    requests = rows(
        database,
        "SELECT q.*, p.received_at, p.prompt_tokens + p.completion_tokens AS used "
        "FROM requests q LEFT JOIN replies p ON p.request_id = q.id ORDER BY q.id",
    )
    asked = Counter((row["run_id"], row["ticket"], row["turn"], row["attempt"]) for row in requests)
    assert all(count == 1 for count in asked.values())
    entries = _paired(requests, log)
    doubted = [row for row in requests if row["state"] in ("sent", "in_doubt")]
    assert all((row["received_at"] is None) == (row in doubted) for row in requests)
    for row in doubted:
        last = max(each["attempt"] for each in requests if _turn(each) == _turn(row))
        assert row["attempt"] == last, f"request {row['id']} was in doubt and asked again"
        _check_doubted(row, entries[row["id"]], log, kills)
    delays = [_delay_s(row, entries[row["id"]], log) for row in requests if row not in doubted]
    assert max(delays, default=0.0) < READING_S, "a reply became a row late"
    charged = sum(row["reserved_tokens"] if row["used"] is None else row["used"] for row in requests)
    assert log.tokens <= charged, "the server billed more than the run is charged at"
    unsent = sum(entry is None for entry in entries.values())
    return Books(len(requests), len(doubted), unsent, charged, max(delays, default=0.0))


def _turn(row: Row) -> tuple[int, int]:
    return row["ticket"], row["turn"]


def _paired(requests: list[Row], log: Served) -> dict[int, Row | None]:
    """Return the server's entry of each request by its id; None where the server never saw it.

    Equal bodies are paired in order of time. Where one of them did not arrive, it is one that was in doubt.
    """
    arrivals: dict[str, list[Row]] = {}
    for entry in log.entries:
        arrivals.setdefault(entry["digest"], []).append(entry)
    asked: dict[str, list[Row]] = {}
    for row in requests:
        asked.setdefault(digest_of(json.loads(row["body"])), []).append(row)
    paired: dict[int, Row | None] = {}
    for digest, same in asked.items():
        arrived = arrivals.pop(digest, [])
        assert len(arrived) <= len(same), "a request reached the server twice, or without a row of its own"
        lost = sorted(same, key=lambda row: (row["state"] in ("sent", "in_doubt"), row["sent_at"]))[len(arrived) :]
        paired |= dict.fromkeys([row["id"] for row in lost])
        found = [row["id"] for row in same if row not in lost]
        paired |= dict(zip(found, arrived, strict=True))
    assert arrivals == {}, "a request reached the server without a row"
    return paired


def _delay_s(row: Row, entry: Row | None, log: Served) -> float:
    """Return the seconds from a reply's last byte to its row; 0 for what is no whole reply."""
    assert entry is not None, f"request {row['id']} has a reply and never reached the server"
    out = log.sent.get(entry["number"])
    if out is None or entry["behaviour"] in UNREAD:
        return 0.0
    return float(row["received_at"]) - (out + time.time() - time.monotonic())


def _check_doubted(row: Row, entry: Row | None, log: Served, kills: list[Kill]) -> None:
    """A request in doubt was in flight at a kill, and had not been answered for long."""
    kill = next((each for each in kills if each.epoch >= row["sent_at"]), None)
    assert kill is not None, f"request {row['id']} is in doubt though nobody was killed after it was sent"
    if entry is None:
        age_s = kill.epoch - row["sent_at"]
        assert age_s < SENDING_S, f"request {row['id']} was a row {age_s:.1f} s before the kill and never sent"
    elif entry["behaviour"] not in UNREAD:
        late_s = kill.at - log.sent.get(entry["number"], kill.at)
        assert late_s < READING_S, f"request {row['id']} was answered {late_s:.1f} s before the kill, and it is lost"


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
