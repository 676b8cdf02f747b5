"""What a room costs: one run of a small Python program through bubblewrap, beside the same program run plainly.

    python tests/bench/bench_program.py

Prints the least wall time of 60 interleaved runs of each, all on one core (other work on the machine only adds): a
bare start of the interpreter (-S, since what is installed differs from machine to machine), the program run by it, and
the program run so in a room. Goal: a room costs at most three such starts (its own launcher, runner, and its end).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from speciate.evaluators import Candidate, Limits, ProgramInterface, sandbox_named
from speciate.evaluators._program import RoomProgram
from speciate.evaluators._room import Rooms
from speciate.evaluators.sandbox._interpreter import executable

RUNS = 60
GOAL_STARTS = 3.0
BARE = ("-S", "-s")
TEXT = "print(sum(map(int, input().split())))\n"


def main() -> int:
    """Measure, print, and return 1 where the goal is missed."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    rooms = Rooms(Limits(workloads=RUNS + 1), sandbox_named("bubblewrap"), core)
    interface = ProgramInterface(run=("python3", *BARE, "{entry}"))
    room = RoomProgram(Candidate.from_source(TEXT, path="main.py"), interface, rooms)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "main.py"
        file.write_text(TEXT)
        measured: dict[str, Callable[[], object]] = {
            "start": lambda: _plain(*BARE, "-c", "pass"),
            "plain": lambda: _plain(*BARE, str(file)),
            "room": lambda: room.run(b"1 2 3"),
        }
        walls: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(RUNS + 1):
            for name, run in measured.items():
                began = time.perf_counter()
                run()
                walls[name].append(1e3 * (time.perf_counter() - began))
    told = {f"{name}_ms": round(min(each), 1) for name, each in walls.items()}
    starts = (told["room_ms"] - told["plain_ms"]) / told["start_ms"]
    print(json.dumps({"program_run": "bubblewrap", **told, "room_in_starts": round(starts, 2), "goal": GOAL_STARTS}))
    return 0 if starts <= GOAL_STARTS else 1


def _plain(*arguments: str) -> None:
    subprocess.run([executable(), *arguments], input=b"1 2 3", capture_output=True, check=True)


if __name__ == "__main__":
    sys.exit(main())
