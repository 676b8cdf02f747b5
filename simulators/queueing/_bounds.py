"""What no schedule can pass: a lower bound on the weighted response time of one machine."""

from heapq import heappop, heappush
from math import inf

import numpy as np

from ._jobs import Jobs


def busy_time_bound(jobs: Jobs) -> float:
    """Return a lower bound (s) on the weighted mean response time of any preemptive schedule at speed 1.

    A job's completion is at least its mean busy time (the mean moment at which it is served) and half its size.
    The schedule that always serves the highest weight by size minimises the weighted sum of mean busy times (Goemans
    1997), so with its mean busy times M::

        sum w C >= sum w (M + p / 2)

    With equal weights the optimum is known, shortest remaining first (Schrage 1968), and is the bound.
    """
    weight = jobs.weight
    if np.all(weight == weight[0]):
        return float(_shortest_remaining(jobs).mean())
    mean_busy = _mean_busy_times(jobs)
    return float(np.sum(weight * (mean_busy + jobs.size / 2.0 - jobs.arrival_s)) / weight.sum())


def _mean_busy_times(jobs: Jobs) -> np.ndarray:
    """Return the mean busy time (s) of each job where the highest weight by size is always served."""
    key = (-jobs.weight / jobs.size).tolist()
    return _served(jobs, key)[0] / jobs.size


def _shortest_remaining(jobs: Jobs) -> np.ndarray:
    """Return the response times (s) where the least work left is always served."""
    return _served(jobs, None)[1] - jobs.arrival_s


def _served(jobs: Jobs, key: list[float] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the integral of the moments of service, and the completion, of each job (shape (n,), s^2 and s).

    Served is who has the least key; without keys, who has the least work left.
    """
    arrival, left = jobs.arrival_s.tolist(), jobs.size.tolist()
    busy, completed = [0.0] * len(arrival), [0.0] * len(arrival)
    present: list[tuple[float, int]] = []
    now = 0.0
    for job, at in enumerate([*arrival, inf]):
        while present and now < at:
            _, served = heappop(present)
            work = min(left[served], at - now)
            busy[served] += work * (now + work / 2.0)
            now += work
            left[served] -= work
            if left[served] > 0.0 and now < inf:
                heappush(present, (left[served] if key is None else key[served], served))
            else:
                completed[served] = now
        if job == len(arrival):
            break
        now = max(now, at)
        heappush(present, (left[job] if key is None else key[job], job))
    return np.array(busy), np.array(completed)
