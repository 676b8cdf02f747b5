"""Processor sharing, exactly: every job present is served at once, at an equal share of one machine."""

from heapq import heappop, heappush
from math import inf

import numpy as np

from ._jobs import Floats, Jobs


def processor_sharing(jobs: Jobs) -> Floats:
    """Return each job's response time in seconds, shape (n,), on one machine of speed 1.

    With virtual time: the service that one job present all the while would have had. A job leaves when that has
    grown by its size, so two heaps of events suffice. In M/G/1 the mean is E[S] / (1 - load), whatever the sizes.
    """
    arrival, size = jobs.arrival_s.tolist(), jobs.size.tolist()
    finished = [0.0] * len(arrival)
    leaving: list[tuple[float, int]] = []
    now = virtual = 0.0
    for job, at in enumerate([*arrival, inf]):
        while leaving and now + (leaving[0][0] - virtual) * len(leaving) <= at:
            now += (leaving[0][0] - virtual) * len(leaving)
            virtual, left = heappop(leaving)
            finished[left] = now
        if job == len(arrival):
            break
        virtual += (at - now) / len(leaving) if leaving else 0.0
        now = at
        heappush(leaving, (virtual + size[job], job))
    return np.array(finished) - jobs.arrival_s
