"""What judging costs, rung by rung, and whether the limits leave room."""

import math
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

from .._contract import Candidate, Evaluation, Status
from .._errors import CandidateFault
from .._problem import Problem
from ..kinds import Place, evaluator_of
from ..sandbox import sandbox_named
from ._finding import Finding, Note, concluded, warn
from ._trials import Word, score_of

TRAIN_BUDGET_CPU_S = 10.0
"""CPU seconds of one candidate's train judging from which a search of a thousand takes hours on a core."""
NEAR_LIMIT = 0.5
_MIB = 1 << 20


class Rungs(NamedTuple):
    """What one judging of a design costs, in seconds, and how much of it is the candidate's own."""

    screen_s: float
    start_s: float
    probe_s: float
    workload_cpu_s: float
    their_share: float
    """CPU seconds of the candidate's processes, as a share of all CPU seconds of the workload."""
    decisions: int


def measured_rungs(problem: Problem[Any], candidate: Candidate, sandbox: str) -> Rungs:
    """Judge a design on the first train workload, in this process and pinned as a judge is, and time each rung."""
    evaluator, clock = evaluator_of(problem.kind), time.perf_counter
    workload = problem.workloads("train")[0]
    with _one_core() as core:
        at = [clock()]
        evaluator.screen(problem, candidate)
        at.append(clock())
        with evaluator.open(
            problem, candidate, Place(problem.limits.for_workloads(2), sandbox_named(sandbox), core)
        ) as session:
            at.append(clock())
            evaluator.behaviour(problem, session.subject)
            at.append(clock())
            problem.measure(session.subject, workload)  # builds what the world caches
            before, ours = session.cost, time.process_time()
            problem.measure(session.subject, workload)
            after, world = session.cost, time.process_time() - ours
    theirs = after.cpu_s - before.cpu_s
    screen, start, probe = (b - a for a, b in pairwise(at))
    total = world + theirs
    return Rungs(screen, start, probe, total, theirs / total if total else 0.0, after.decisions - before.decisions)


@contextmanager
def _one_core() -> Iterator[int]:
    """Keep this thread to one core for a while."""
    cores = os.sched_getaffinity(0)
    core = min(cores)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, cores)


def check_cost(problem: Problem[Any], best: Word, rungs: Rungs) -> Finding:
    """Report the cost of each rung, and warn of a train judging above ``TRAIN_BUDGET_CPU_S``."""
    assert isinstance(best, Evaluation)
    count = len(problem.workloads("train"))
    each = statistics.median(m.cost.cpu_s for m in best.measurements)
    train = each * count
    rate = rungs.decisions / rungs.workload_cpu_s if rungs.workload_cpu_s else 0.0
    hourly = 3600 / (train + rungs.start_s + rungs.probe_s)
    figure = ", ".join(
        [
            f"screen {rungs.screen_s * 1e3:.1f} ms",
            f"start {rungs.start_s * 1e3:.0f} ms",
            f"probe {rungs.probe_s * 1e3:.0f} ms",
            f"workload {each:.2g} CPU s ({rungs.their_share:.0%} the candidate's, {rungs.decisions:,} decisions, "
            f"{rate:,.0f} a CPU s)",
            f"train of {count} {train:.2g} CPU s: {hourly:,.0f} candidates an hour a core",
        ]
    )
    if train <= TRAIN_BUDGET_CPU_S:
        return concluded("cost", figure)
    note = warn(
        f"one candidate's train judging takes {train:.0f} CPU s, a thousand of them {train / 3.6:.1f} core hours",
        f"shorten or drop workloads until it is below {TRAIN_BUDGET_CPU_S:g} CPU s; validation may be long",
    )
    return concluded("cost", figure, [note])


def check_limits(problem: Problem[Any], words: Mapping[str, Word], half: str | None, peak_bytes: int) -> Finding:
    """Check that the human designs stay well below the limits.

    Args:
        problem: whose limits.
        words: of the human designs, on train.
        half: what became of the best design under half the memory limit: None where it was judged ok.
        peak_bytes: the most memory that a judging process itself held; 0 where it is not known.
    """
    limits = problem.limits
    costs = [
        m.cost
        for word in words.values()
        if isinstance(word, Evaluation) and score_of(word) is not None
        for m in word.measurements
    ]
    wall = max((cost.wall_s for cost in costs), default=0.0)
    notes: list[Note] = []
    if wall > NEAR_LIMIT * limits.wall_s:
        notes.append(
            warn(
                f"a baseline takes {wall:.3g} s of the {limits.wall_s:g} s that a workload may take",
                "raise limits.wall_s: on a busy or slower machine an honest design would time out",
            )
        )
    if half is not None:
        notes.append(
            warn(f"with half its memory limit the best design is {half}", "raise limits.memory_bytes: it is scarce")
        )
    figure = f"slowest workload {wall:.2g} s of {limits.wall_s:g} s"
    figure += "" if half else f", half of {limits.memory_bytes // _MIB} MiB is enough for the best design"
    figure += f", the judge itself holds {math.ceil(peak_bytes / _MIB)} MiB" if peak_bytes else ""
    return concluded("limits", figure, notes)


def under_half_memory(problem: Problem[Any], candidate: Candidate, sandbox: str) -> str | None:
    """Judge a design on one train workload under half its memory; return how it failed, None where it did not."""
    limits = problem.limits.model_copy(update={"memory_bytes": max(problem.limits.memory_bytes // 2, 64 * _MIB)})
    evaluator = evaluator_of(problem.kind)
    try:
        with evaluator.open(problem, candidate, Place(limits, sandbox_named(sandbox))) as session:
            problem.measure(session.subject, problem.workloads("train")[0])
    except CandidateFault as fault:
        return str(fault.status if fault.status is not Status.SANDBOX_ERROR else fault)
    return None


__all__ = ["Rungs", "check_cost", "check_limits", "measured_rungs", "under_half_memory"]
