"""A tiny program problem, and hostile programs for it: print the sum of the numbers on stdin, in few lines of output.

For ``speciate run PATH``. Two workloads a split, limits short enough to wait for attacks.
"""

from collections.abc import Mapping, Sequence
from random import Random

from speciate.evaluators import (
    Candidate,
    Descriptor,
    Incorrect,
    Limits,
    Measurement,
    Objective,
    Problem,
    Program,
    ProgramInterface,
    Split,
    Workload,
)

DESIGN = """import sys

numbers = [int(word) for word in sys.stdin.read().split()]
print(sum(numbers))
print("{padding}")
"""
ANSWERS = "\nimport sys\nprint(sum(int(word) for word in sys.stdin.read().split()))\nprint('x')\n"
ATTACKS = {
    "fork bomb": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n", "timeout"),
    "thread bomb": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()\n",
        "crashed|timeout|oom",
    ),
    "daemon": (
        f"{ANSWERS}\nimport os, time\nsys.stdout.flush()\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        time.sleep(600)\n    os._exit(0)\n",
        "ok",
    ),
    "children that ignore signals": (
        f"{ANSWERS}\nimport os, signal, time\nsys.stdout.flush()\nif os.fork() == 0:\n"
        "    for number in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(number, signal.SIG_IGN)\n"
        "    time.sleep(600)\n",
        "ok",
    ),
    "files everywhere": (
        "import os\nfor folder, _, _ in os.walk('/tmp'):\n"
        "    try: open(folder + '/speciate-hostile-mark', 'w').write('left')\n    except OSError: pass\n" + ANSWERS,
        "ok",
    ),
    "flood": ("while True: print('x' * 65536)\n", "output_limit"),
    "memory of many": (
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        held = bytearray(b'x') * (64 << 20)\n"
        "        time.sleep(60)\ntime.sleep(60)\n",
        "oom",
    ),
    "sleep": ("import time\ntime.sleep(600)\n", "timeout"),
    "wrong sum": ("print(0)\n", "incorrect"),
    "not a number": ("print('nan')\n", "incorrect"),
    "exit": ("import os\nos._exit(0)\n", "incorrect"),
    "death": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "crashed"),
    "socket": ("import socket\nsocket.create_connection(('127.0.0.1', 22))\n", "crashed"),
}
"""Hostile programs and what each of them ends as."""


def design(padding: int) -> str:
    """Return the source of an honest program that prints ``padding`` characters too many."""
    return DESIGN.format(padding="x" * padding)


def problem(options: Mapping[str, str]) -> "Sums":
    """Return the problem; it has no options."""
    assert not options
    return Sums()


class Sums(Problem[Program]):
    """Characters printed."""

    name = "sums"
    title = "The sum of numbers"
    version = "1"
    objective = Objective(name="printed", unit="characters")
    descriptors = (Descriptor(name="lines", low=0.0, high=10.0, bins=4, unit="lines"),)
    interface = ProgramInterface()
    limits = Limits(wall_s=3.0, cpu_s=2.0, memory_bytes=256 << 20, output_bytes=256 << 10)

    def seed(self) -> Candidate:
        return read(design(1))

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 1, "validation": 101, "heldout": 1001}[split]
        return tuple(Workload(name=f"{split}/{seed}", split=split, seed=seed) for seed in (first, first + 1))

    def measure(self, program: Program, workload: Workload) -> Measurement:
        rng = Random(workload.seed)
        numbers = [rng.randrange(1000) for _ in range(50)]
        text = program.run(" ".join(map(str, numbers)).encode()).text
        if text.split()[:1] != [str(sum(numbers))]:
            raise Incorrect(f"expected {sum(numbers)}, got {text[:40]!r}")
        return Measurement(
            workload=workload.name,
            objective=float(len(text)),
            descriptors={"lines": float(len(text.splitlines()))},
        )


def read(text: str) -> Candidate:
    """Return a program as a candidate."""
    return Candidate.from_source(text, path=Sums.interface.entry)
