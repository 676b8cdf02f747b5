"""Searches of several frameworks with one author, one evaluator and one number of evaluations.

    python tests/bench/peers search [--beside NAME] [--problems N] [--seeds N] [--evaluations N] ...

A row of docs/peers/search.jsonl is one search; rows that are there are not made again. Each framework has ours beside
it at its own number of evaluations.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from figures import summary
from landscapes import LANDSCAPES
from peer import HOUSE, OPENEVOLVE, Missing, python_of
from proposer import Author

ROWS = HOUSE / "docs" / "peers" / "search.jsonl"
BEGIN, END = "<!-- table -->", "<!-- end of the table -->"
PATIENCE_S = 900.0
"""After which a search that does not end is given up; its row says so."""
JUDGED_ANEW = frozenset({"duplicate"})
"""Words of ours that cost no evaluation: the score was known."""


class Peer(NamedTuple):
    """A framework beside ours, and how much is searched with either."""

    title: str
    requirement: str
    problems: int
    """The first so many landscapes."""
    seeds: int
    evaluations: int
    """Beyond the seed program."""


PEERS = {
    "openevolve": Peer("OpenEvolve", OPENEVOLVE, problems=len(LANDSCAPES), seeds=15, evaluations=100),
    "shinka": Peer("ShinkaEvolve", "shinka-evolve==0.0.7", problems=2, seeds=10, evaluations=30),
}


class Trail(NamedTuple):
    """What a search did, in the order of its evaluations, the seed program left out."""

    scores: list[float]
    """Of every program that was evaluated; 0 for one that failed."""
    replies: list[int]
    """How many replies of the author each of these had taken at the least, counted by tickets and repairs."""


def compare(arguments: Sequence[str] = ()) -> None:
    """Make the rows that are missing, then print the tables; a framework that cannot be had is told and left out."""
    parser = argparse.ArgumentParser(prog="bench-peers search")
    parser.add_argument("--beside", choices=PEERS, default=None, help="one framework; all by default")
    parser.add_argument("--problems", type=int, default=None)
    parser.add_argument("--seeds", type=int, default=None)
    parser.add_argument("--first", type=int, default=1, help="the first seed to be run; %(default)s by default")
    parser.add_argument("--evaluations", type=int, default=None)
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--only", choices=("speciate", *PEERS), default=None)
    chosen = parser.parse_args(arguments)
    asked = {name: getattr(chosen, name) for name in ("problems", "seeds", "evaluations")}
    asked = {name: number for name, number in asked.items() if number is not None}
    peers = {name: peer._replace(**asked) for name, peer in PEERS.items() if chosen.beside in (None, name)}
    for name, peer in peers.items():
        try:
            _make(name, peer, chosen)
        except Missing as reason:
            print(f"{peer.title}: skipped: {reason}", flush=True)
    tables = tables_of(rows_of(chosen.rows), peers)
    print(tables)
    page = chosen.rows.with_name("README.md")
    # The page holds every framework at the number of evaluations that is its own.
    if page.is_file() and peers == PEERS:
        page.write_text(with_table(page.read_text("utf-8"), tables), "utf-8")


def _make(name: str, peer: Peer, chosen: argparse.Namespace) -> None:
    """Make the missing rows of one framework and of ours beside it. Raises Missing, where it is needed for any."""
    done = {(row["problem"], row["seed"], row["framework"], row["asked"]) for row in rows_of(chosen.rows)}
    missing = [
        (problem, seed, framework)
        for seed in range(chosen.first, peer.seeds + 1)
        for problem in list(LANDSCAPES)[: peer.problems]
        for framework in (name, "speciate")
        if chosen.only in (None, framework) and (problem, seed, framework, peer.evaluations) not in done
    ]
    pythons = {"speciate": Path(sys.executable)}
    if any(framework == name for _, _, framework in missing):
        pythons[name] = python_of(name, peer.requirement)
    for problem, seed, framework in missing:
        row = searched(framework, pythons[framework], problem, seed, peer.evaluations)
        append(chosen.rows, row)
        print(f"{problem} {seed} {framework}: best {row['best']:.2f}, {row['wall_s']:.0f} s", flush=True)


def tables_of(rows: Sequence[dict[str, Any]], peers: Mapping[str, Peer]) -> str:
    """Return the tables of all frameworks as Markdown, each from the rows of its number of evaluations."""
    told = []
    for name, peer in peers.items():
        beside = [row for row in rows if row["asked"] == peer.evaluations and row["framework"] in (name, "speciate")]
        told.append(f"### {peer.title}, {peer.evaluations} evaluations\n\n{summary(beside, name, peer.title)}")
    return "\n\n".join(told)


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
        "revision": PEERS[framework].requirement if framework in PEERS else revision(),
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
