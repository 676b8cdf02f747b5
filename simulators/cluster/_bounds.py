"""What no schedule can pass: lower bounds on completion times and on the makespan.

Give each type of GPU a price. A job needs at least ``work * min(price * scale / speed)`` of priced GPU time, and the
cluster has ``sum(price * gpus)`` of it a second. So any schedule is one of a single machine of that speed on which jobs
of those sizes may share, and what bounds the one bounds the other, whatever the prices: the best found are taken.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

import numpy as np

from ._jobs import Cluster, Floats, TrainingJobs

_STEPS = (4.0, 2.0, 1.4, 1.15)
"""Factors by which the search for prices changes one of them, up and down."""


class _Relaxed(NamedTuple):
    """A workload as one machine sees it; arrays of shape (n,), in order of ``ready_s``."""

    ready_s: Floats
    """When the first of its work can be done: the round after its arrival, and a restart."""
    least_s: Floats
    """Seconds that its work takes at least."""
    arrival_s: Floats
    priced: Callable[[Floats], Floats]
    """From prices to seconds of the whole machine that each job takes."""


def alone_s(jobs: TrainingJobs, cluster: Cluster) -> Floats:
    """Return the seconds that each job takes at least once it is placed: a restart, and its work on its best type."""
    speed = np.where(jobs.runs_on(cluster), jobs.speed, 0.0).max(axis=1)
    alone: Floats = cluster.restart_s + jobs.work_s / speed
    return alone


def least_mean_completion(jobs: TrainingJobs, cluster: Cluster) -> float:
    """Return a lower bound (s) on the mean time from arrival to the end of a job's work.

    The greatest of three: every job alone; shortest remaining first on the priced machine (Schrage 1968); and mean
    busy times there, of which the highest 1 / size first makes the sum least (Goemans 1997), and half of the work on
    top, since a job that takes ``t`` seconds at least cannot end sooner than ``t / 2`` after its mean busy time.
    """
    relaxed = _relaxed(jobs, cluster)
    alone = float(np.mean(relaxed.ready_s + relaxed.least_s - relaxed.arrival_s))

    def priced(prices: Floats) -> float:
        size = relaxed.priced(prices)
        busy, _ = _served(relaxed.ready_s, size, size)
        _, completed = _served(relaxed.ready_s, size, None)
        half = float(np.mean(busy + relaxed.least_s / 2.0 - relaxed.arrival_s))
        return max(half, float(np.mean(completed - relaxed.arrival_s)))

    return max(alone, _best(priced, len(cluster.gpus)))


def least_makespan(jobs: TrainingJobs, cluster: Cluster) -> float:
    """Return a lower bound (s) on the time from the first arrival to the end of the last job's work."""
    relaxed = _relaxed(jobs, cluster)
    first = float(jobs.arrival_s[0])
    longest = float(np.max(relaxed.ready_s + relaxed.least_s)) - first

    def priced(prices: Floats) -> float:
        left = np.cumsum(relaxed.priced(prices)[::-1])[::-1]
        return float(np.max(relaxed.ready_s + left)) - first

    return max(longest, _best(priced, len(cluster.gpus)))


def _relaxed(jobs: TrainingJobs, cluster: Cluster) -> _Relaxed:
    first, length = jobs.arrival_s[0], cluster.round_s
    # A hair less, since a boundary that rounding puts before an arrival must not raise the bound.
    boundary = first + np.ceil((jobs.arrival_s - first) / length - 1e-9) * length
    ready = np.maximum(boundary, jobs.arrival_s) + cluster.restart_s
    order = np.argsort(ready, kind="stable")
    fits, speed = jobs.runs_on(cluster)[order], jobs.speed[order]
    slowness = np.divide(1.0, speed, out=np.full_like(speed, np.inf), where=fits)
    gpu_s = jobs.work_s[order] * jobs.scale[order]
    gpus = np.array(cluster.gpus, dtype=np.float64)

    def priced(prices: Floats) -> Floats:
        size: Floats = gpu_s * (slowness * prices).min(axis=1) / (prices @ gpus)
        return size

    least = jobs.work_s[order] * slowness.min(axis=1)
    return _Relaxed(ready[order], least, jobs.arrival_s[order], priced)


def _best(bound: Callable[[Floats], float], types: int) -> float:
    """Return the greatest bound that a search of one price after the other finds."""
    prices = np.ones(types)
    best = bound(prices)
    for step in _STEPS:
        for kind in range(1, types):
            for factor in (step, 1.0 / step):
                tried = prices.copy()
                tried[kind] *= factor
                found = bound(tried)
                if found > best:
                    best, prices = found, tried
    return best


def _served(ready: Floats, size: Floats, key: Floats | None) -> tuple[Floats, Floats]:
    """Return mean busy times and completions (s, shape (n,)) where the least key is served, or the least work left."""
    left, busy, completed = size.tolist(), [0.0] * len(size), [0.0] * len(size)
    waiting: list[tuple[float, int]] = []
    now = 0.0
    for job, at in enumerate([*ready.tolist(), inf]):
        while waiting and now < at:
            rank, served = heappop(waiting)
            work = min(left[served], at - now)
            busy[served] += work * (now + work / 2.0)
            now += work
            left[served] -= work
            if left[served] > 0.0 and now < inf:
                heappush(waiting, (left[served] if key is None else rank, served))
            else:
                completed[served] = now
        if job < len(size):
            now = max(now, at)
            heappush(waiting, (float(size[job] if key is None else key[job]), job))
    return np.array(busy) / size, np.array(completed)
