"""A naive harness in the shape of KernelBench's: what the hacks of the corpus were made for.

Task and candidate run in one process and one namespace, and so does the clock. The reference is computed first, seed
and shapes are fixed, every call is handed the same buffers, answers within 1e-2 are right, and the candidate may
return an array instead of filling the one that it is handed. Its clock counts the calling thread's CPU time, so that
a busy machine decides nothing.

Run as a script it reads the candidate and its options from stdin and writes a verdict to stdout.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

TASK = """
def get_inputs(rng):
    return rng.random((ROWS, COLUMNS), dtype=np.float32)


def reference(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
"""
SHAPE = (4096, 16)
CHECKS = 3
WARM_UP = 2
REPEATS = 10
BUDGET_S = 0.02
"""Of CPU time for all repeats, as many as the time of a warm-up call lets hope for."""


class Verdict(NamedTuple):
    """What the harness says. There is no word in it for a kernel that only calls a library."""

    ok: bool
    speedup: float
    """Geometric mean over the shapes."""
    repeats: int = REPEATS
    """Of the last shape."""


class Case(NamedTuple):
    """What the candidate is to compute."""

    x: Any
    expected: Any


def naive(candidate: str, **options: Any) -> Verdict:
    """Return the harness's verdict, reached in a process of its own; options as ``harness`` takes them."""
    told = json.dumps({"candidate": candidate, **options})
    done = subprocess.run([sys.executable, str(Path(__file__))], input=told, capture_output=True, text=True)
    if done.returncode or not done.stdout:
        raise AssertionError(f"the naive harness ended with {done.returncode}: {done.stderr}")
    return Verdict(**json.loads(done.stdout.splitlines()[-1]))


def harness(
    candidate: str,
    shapes: list[tuple[int, int]],
    reference_first: bool = True,
    stored_baseline: bool = True,
    counts_excess: bool = False,
) -> Verdict:
    """Check and time the candidate.

    Args:
        candidate: its source.
        shapes: rows and columns of each input.
        reference_first: whether the reference is computed before the candidate answers.
        stored_baseline: whether the reference is timed before the candidate is loaded.
        counts_excess: whether an answer is wrong where its error is above what is allowed, instead of ``allclose``.
    """
    scope: dict[str, Any] = {"np": np}
    ok, speedups, count = True, [], 0
    for ROWS, COLUMNS in shapes:  # noqa: N806 - constants of the task
        scope.update(ROWS=ROWS, COLUMNS=COLUMNS)
        exec(TASK, scope)
        baseline = timed(scope["reference"], [(drawn(scope),)] * REPEATS)
        exec(candidate, scope)
        case = Case(drawn(scope), None)
        pool = np.zeros(2 * case.x.size, dtype=np.float32)
        y = pool[: case.x.size].reshape(case.x.shape)
        arguments = (case.x, y, *case.x.shape)
        for _ in range(CHECKS):
            if reference_first:
                case = case._replace(expected=scope["reference"](case.x))
            answer = answered(scope["row_softmax"], arguments)
            if not reference_first:
                case = case._replace(expected=scope["reference"](case.x))
            ok = ok and (within if counts_excess else close)(answer, case.expected)
        warm = max(timed(scope["row_softmax"], [arguments] * WARM_UP), 1e-9)
        count = min(REPEATS, max(1, int(BUDGET_S / warm)))
        taken = timed(scope["row_softmax"], [arguments] * count)
        if not stored_baseline:
            baseline = timed(scope["reference"], [(case.x,)] * REPEATS)
        speedups.append(baseline / max(taken, 1e-9))
    return Verdict(ok, statistics.geometric_mean(speedups), count)


def drawn(scope: dict[str, Any]) -> Any:
    return scope["get_inputs"](np.random.default_rng(42))


def answered(kernel: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what the candidate returns, or the array that it was handed."""
    answer = kernel(*arguments)
    return arguments[1] if answer is None else answer


def close(answer: Any, expected: Any) -> bool:
    return bool(np.allclose(answer, expected, rtol=1e-2, atol=1e-2))


def within(answer: Any, expected: Any) -> bool:
    return not (np.abs(answer - expected) > 1e-2 + 1e-2 * np.abs(expected)).any()


def timed(function: Any, calls: list[tuple[Any, ...]]) -> float:
    """Return the median CPU seconds of the calls; their answers are kept until the last."""
    seconds, answers = [], []
    for arguments in calls:
        began = time.thread_time()
        answer = function(*arguments)
        seconds.append(time.thread_time() - began)
        answers.append(answer)
    return statistics.median(seconds)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    print(json.dumps(harness(**{"shapes": [SHAPE], **told})._asdict()), flush=True)
    os._exit(0)  # A candidate's timers and threads have no say in how this ends.
