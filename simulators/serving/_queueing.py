"""A plain queueing system (G/G/k): the event discipline of the cluster on servers of known behaviour.

It exists to be compared with theory, and to show what a dispatching rule or an order does without
anything of a language model in the way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import Literal

import numpy as np
import numpy.typing as npt

from ._arrays import Floats, Ints

Order = Literal["fcfs", "sjf", "srpt"]
"""First come first served; shortest job first; shortest remaining processing time first (preemptive)."""

Dispatch = Callable[[Sequence[int]], int]
"""Chooses a server by the number of jobs at each, waiting and in service."""


@dataclass(frozen=True)
class QueueResult:
    """What happened to each job; arrays of shape (n,), seconds, in order of arrival."""

    sojourn_s: Floats
    """Arrival to departure."""
    server: Ints
    """Where it was served."""


def simulate_queue(
    arrival_s: npt.ArrayLike,
    service_s: npt.ArrayLike,
    *,
    servers: int = 1,
    dispatch: Dispatch | None = None,
    order: Order = "fcfs",
) -> QueueResult:
    """Run jobs through equal servers until the last has left.

    Args:
        arrival_s: shape (n,), non-decreasing, seconds.
        service_s: shape (n,), > 0, seconds.
        servers: their number.
        dispatch: sends each job on arrival to one of ``servers`` queues; None keeps one queue for all of them.
        order: of service within a queue. ``srpt`` needs a queue for each server.

    Returns:
        The sojourn of each job and where it was served.

    Raises:
        ValueError: arrays that are no such thing, or ``srpt`` on a queue shared by several servers.
    """
    arrival, service = np.asarray(arrival_s, dtype=np.float64), np.asarray(service_s, dtype=np.float64)
    if arrival.ndim != 1 or arrival.shape != service.shape or not len(arrival):
        raise ValueError(f"arrival_s and service_s must have one shape (n,), got {arrival.shape}, {service.shape}")
    if np.any(np.diff(arrival) < 0) or not np.all(service > 0) or not np.all(np.isfinite(arrival + service)):
        raise ValueError("arrival_s must be finite and sorted, and service_s finite and > 0")
    if servers < 1 or (order == "srpt" and servers > 1 and dispatch is None):
        raise ValueError(f"servers >= 1 must hold, and srpt needs a dispatch for {servers} servers")
    system = _Queues(service.tolist(), servers, shared=dispatch is None, order=order)
    system.run(arrival.tolist(), dispatch)
    return QueueResult(np.array(system.finish_s) - arrival, np.array(system.served_by, dtype=np.int64))


class _Queues:
    """State of one run. Work left counts down in ``left_s``; an event is void where its server's end has moved."""

    def __init__(self, service: list[float], servers: int, *, shared: bool, order: Order):
        self.left_s = service
        self.order = order
        self.shared = shared
        one: list[tuple[float, int]] = []
        self.waiting = [one if shared else [] for _ in range(servers)]
        self.present = [0] * servers
        self.job = [-1] * servers
        self.ends = [inf] * servers
        self.idle = list(range(servers))
        self.events: list[tuple[float, int]] = []
        self.finish_s = [0.0] * len(service)
        self.served_by = [-1] * len(service)

    def run(self, arrivals: list[float], dispatch: Dispatch | None) -> None:
        """Handle every arrival and departure; at equal times departures come first."""
        events, ends, idle = self.events, self.ends, self.idle
        arrivals.append(inf)
        last = len(arrivals) - 1
        arrived = 0
        while arrived < last or events:
            if events and events[0][0] <= arrivals[arrived]:
                now, server = heappop(events)
                if ends[server] == now:
                    self.depart(now, server)
                continue
            now, job = arrivals[arrived], arrived
            arrived += 1
            if dispatch is not None:
                server = dispatch(self.present)
                self.present[server] += 1
                if ends[server] == inf:
                    self.serve(now, server, job)
                else:
                    self.wait(now, server, job)
            elif idle:
                self.serve(now, heappop(idle), job)
            else:
                self.wait(now, 0, job)

    def serve(self, now: float, server: int, job: int) -> None:
        """Put ``job`` on a server that is free."""
        self.job[server] = job
        self.ends[server] = end = now + self.left_s[job]
        heappush(self.events, (end, server))

    def wait(self, now: float, server: int, job: int) -> None:
        """Queue ``job`` at a busy server, or let it take the place of a longer one."""
        left = self.left_s[job]
        if self.order == "srpt" and left < self.ends[server] - now:
            longer = self.job[server]
            self.left_s[longer] = self.ends[server] - now
            heappush(self.waiting[server], (self.left_s[longer], longer))
            self.serve(now, server, job)
        else:
            heappush(self.waiting[server], (now if self.order == "fcfs" else left, job))

    def depart(self, now: float, server: int) -> None:
        """End the job in service and start the first that waits."""
        job = self.job[server]
        self.finish_s[job] = now
        self.served_by[job] = server
        if not self.shared:
            self.present[server] -= 1
        waiting = self.waiting[server]
        if waiting:
            self.serve(now, server, heappop(waiting)[1])
        else:
            self.ends[server] = inf
            if self.shared:
                heappush(self.idle, server)
