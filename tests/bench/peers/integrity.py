"""Hostile candidates before two evaluators of the same task: OpenEvolve's real one and ours.

Each scenario is judged in order by one evaluator that stays warm, as in a run: an honest design, the attack, and
the honest design again. Shown is what each side reported, nothing else: no outcome of theirs is asserted.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from peer import OPENEVOLVE, python_of
from speciate.evaluators import Candidate, JudgeTask, ProblemRef, judge

TIMEOUT_S = 3.0
"""What either side allows: a program there, a workload here."""
PATIENCE_S = 30.0
"""After which a process of theirs that does not end is killed."""

HONEST = '''def choose(view):
    sum(range(20_000))
    costs = [each.queue + 1.0 / each.speed for each in view.replicas]
    return costs.index(min(costs))
'''
FORGES = '''import sys

def choose(view):
    frame = sys._getframe()
    while frame is not None:
        for name in ("score", "evaluate"):
            if callable(frame.f_globals.get(name)):
                frame.f_globals["score"] = lambda outcomes: 777.0
        frame = frame.f_back
    return 0
'''
CLOCK = '''import time

time.perf_counter = time.time = time.monotonic = lambda: 0.0

def choose(view):
    return 0
'''
LOOPS = '''def choose(view):
    while True:
        pass
'''
EXITS = '''import os

def choose(view):
    os._exit(0)
'''
SCENARIOS = {
    "replaces the evaluator's score function (sys._getframe)": FORGES,
    "patches the clock": CLOCK,
    "loops without end": LOOPS,
    "ends the process (os._exit)": EXITS,
}


class Trial(NamedTuple):
    """What one side said of honest, attack and honest, and how it ended; shorter where it did not get so far."""

    reports: list[str]
    end: str


def compare(arguments: Sequence[str] = ()) -> None:
    """Print every scenario, side by side; takes no arguments. Raises Missing."""
    if arguments:
        raise SystemExit(f"integrity takes no arguments, got {' '.join(arguments)}")
    python = python_of("openevolve", OPENEVOLVE)
    print(f"Integrity: {OPENEVOLVE}'s evaluator and ours, one task, {TIMEOUT_S:g} s allowed")
    print("score: higher is better; deciding: wall time of the candidate, as the evaluator measured it\n")
    for title, attack in SCENARIOS.items():
        programs = [HONEST, attack, HONEST]
        theirs, ours = _theirs(python, programs), _ours(programs)
        print(f"a candidate that {title}")
        print(f"  {'':12s}  {'OpenEvolve':44s}  Speciate")
        for number, who in enumerate(("honest", "attack", "honest after")):
            left = theirs.reports[number] if number < len(theirs.reports) else f"never judged: {theirs.end}"
            print(f"  {who:12s}  {left:44s}  {ours.reports[number]}")
        print(f"  {'then':12s}  {theirs.end:44s}  {ours.end}\n", flush=True)


def _theirs(python: Path, programs: Sequence[str]) -> Trial:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results, files = folder / "results.jsonl", [folder / f"{number}.py" for number in range(len(programs))]
        results.touch()
        for file, text in zip(files, programs, strict=True):
            file.write_text(text, "utf-8")
        side = Path(__file__).with_name("openevolve_side.py")
        try:
            code = subprocess.run(
                [python, str(side), str(TIMEOUT_S), str(results), *map(str, files)],
                timeout=PATIENCE_S,
                capture_output=True,
                check=False,
            ).returncode
            end = f"its process ended, exit code {code}"
        except subprocess.TimeoutExpired:
            end = f"its process did not end; killed after {PATIENCE_S:g} s"
        return Trial([_told(json.loads(line)) for line in results.read_text("utf-8").splitlines()], end)


def _told(metrics: dict[str, float]) -> str:
    if "combined_score" not in metrics:
        return f"failed: {metrics}"
    return f"score {metrics['combined_score']:.4f}, deciding {metrics['deciding_ms']:.1f} ms"


def _ours(programs: Sequence[str]) -> Trial:
    ref = ProblemRef(name=str(Path(__file__).with_name("task.py")), options={"timeout_s": str(TIMEOUT_S)})
    reports = []
    for text in programs:
        word = judge(JudgeTask(problem=ref, candidate=Candidate.from_source(text)))
        if word.score is None:
            reports.append(f"{word.status}: {word.detail.splitlines()[0]}")
        else:
            deciding = sum(m.descriptors["deciding_ms"] for m in word.measurements)
            reports.append(f"score {word.score:.4f}, deciding {deciding:.1f} ms")
    return Trial(reports, "the judge goes on")
