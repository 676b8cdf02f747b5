"""Searches of several frameworks with one author, one evaluator and one number of evaluations.

    python tests/bench/peers search [--problems N] [--seeds N] [--evaluations N] ...

A row of docs/peers/search.jsonl is one search; rows that are there are not made again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from figures import summary
from landscapes import LANDSCAPES
from peer import HOUSE, python_of
from proposer import Author

OPENEVOLVE = "openevolve==0.4.0"
ROWS = HOUSE / "docs" / "peers" / "search.jsonl"
BEGIN, END = "<!-- table -->", "<!-- end of the table -->"
PATIENCE_S = 900.0
"""After which a search that does not end is given up; its row says so."""
JUDGED_ANEW = frozenset({"duplicate"})
"""Words of ours that cost no evaluation: the score was known."""


class Trail(NamedTuple):
    """What a search did, in the order of its evaluations, the seed program left out."""

    scores: list[float]
    """Of every program that was evaluated; 0 for one that failed."""
    replies: list[int]
    """How many replies of the author each of these had taken at the least, counted by tickets and repairs."""


def compare(arguments: Sequence[str] = ()) -> None:
    """Make the rows that are missing, then print the table. Raises Missing."""
    parser = argparse.ArgumentParser(prog="bench-peers search")
    parser.add_argument("--problems", type=int, default=len(LANDSCAPES))
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--first", type=int, default=1, help="the first seed to be run; %(default)s by default")
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--only", choices=("openevolve", "speciate"), default=None)
    chosen = parser.parse_args(arguments)
    sides = {"openevolve": python_of("openevolve", OPENEVOLVE), "speciate": Path(sys.executable)}
    rows = rows_of(chosen.rows)
    done = {(row["problem"], row["seed"], row["framework"], row["asked"]) for row in rows}
    for seed in range(chosen.first, chosen.seeds + 1):
        for problem in list(LANDSCAPES)[: chosen.problems]:
            for framework, python in sides.items():
                if chosen.only not in (None, framework):
                    continue
                if (problem, seed, framework, chosen.evaluations) in done:
                    continue
                row = searched(framework, python, problem, seed, chosen.evaluations)
                append(chosen.rows, row)
                print(f"{problem} {seed} {framework}: best {row['best']:.2f}, {row['wall_s']:.0f} s", flush=True)
    table = summary([row for row in rows_of(chosen.rows) if row["asked"] == chosen.evaluations])
    print(table)
    page = chosen.rows.with_name("README.md")
    if page.is_file():
        page.write_text(with_table(page.read_text("utf-8"), table), "utf-8")


def with_table(page: str, table: str) -> str:
    """Return ``page`` with ``table`` between its two marks; a page without marks is left as it is."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{begin}\n{table}\n{end}{tail}" if begin and end else page


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows made so far; a last line that was cut short is left out."""
    rows = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def append(path: Path, row: dict[str, Any]) -> None:
    """Add a row, on a line of its own even where the last line was cut short."""
    cut = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * cut + json.dumps(row) + "\n")


def revision() -> str:
    """Return which Speciate is run: environment PEERS_REVISION, else what git says of the checkout."""
    command = ["git", "-C", str(HOUSE), "describe", "--always", "--dirty"]
    told = os.environ.get("PEERS_REVISION")
    return told or subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def searched(framework: str, python: Path, problem: str, seed: int, evaluations: int) -> dict[str, Any]:
    """Return the row of one search, made in a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="peers-"))
    (folder / "initial.py").write_text(LANDSCAPES[problem].seed, "utf-8")
    side = Path(__file__).with_name(f"{framework}_search.py")
    environment = {
        **os.environ,
        "PEERS_LANDSCAPE": problem,
        "PEERS_LOG": str(folder / "scores.txt"),
        "OPENAI_API_KEY": "none",
    }
    with Author(f"{problem}/{seed}") as author, (folder / "said.txt").open("wb") as said:
        command = [python, side, author.base_url, str(seed), str(evaluations), folder, problem]
        began = time.monotonic()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=said, stderr=said)
        code, cpu_s = _waited(process, began + PATIENCE_S)
        wall_s = time.monotonic() - began
        replies, lost = author.replies, author.lost
    trail = _ours(folder) if framework == "speciate" else _theirs(folder)
    row = {
        "problem": problem,
        "seed": seed,
        "framework": framework,
        "revision": OPENEVOLVE if framework == "openevolve" else revision(),
        "asked": evaluations,
        "exit": code,
        "evaluations": len(trail.scores),
        "replies": replies,
        "unused": replies - trail.replies[-1] if trail.replies else replies,
        "lost": lost,
        "best": max(trail.scores[:evaluations], default=0.0),
        "best_by_replies": _best_within(trail, evaluations),
        "failed": sum(score == 0.0 for score in trail.scores),
        "wall_s": round(wall_s, 2),
        "cpu_s": round(cpu_s, 2),
        "scores": [round(score, 4) for score in trail.scores],
    }
    if code or not trail.scores:
        print((folder / "said.txt").read_text("utf-8", "replace")[-2000:], file=sys.stderr)
    shutil.rmtree(folder)
    return row


def _waited(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[int, float]:
    """Wait for a process; return its exit code and the CPU seconds of it and of all it has waited for."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline:
            process.terminate()
            deadline += 1e9
        time.sleep(0.1)


def _theirs(folder: Path) -> Trail:
    log = folder / "scores.txt"
    scores = [float(line) for line in log.read_text("utf-8").split()][1:] if log.exists() else []
    return Trail(scores, list(range(1, len(scores) + 1)))


def _ours(folder: Path) -> Trail:
    """Read what was judged. Ticket 0 is the seed; a duplicate took a reply and no evaluation."""
    log = folder / "judged.jsonl"
    scores, replies, asked = [], [], 0
    for line in log.read_text("utf-8").splitlines() if log.exists() else ():
        ticket, _, status, score = json.loads(line)
        if ticket == 0:
            continue
        asked += 1
        if status not in JUDGED_ANEW:
            scores.append(score if status == "ok" else 0.0)
            replies.append(asked)
    return Trail(scores, replies)


def _best_within(trail: Trail, replies: int) -> float:
    pairs = zip(trail.scores, trail.replies, strict=True)
    return max((score for score, count in pairs if count <= replies), default=0.0)
