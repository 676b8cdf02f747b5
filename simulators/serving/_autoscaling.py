"""The event loop of a fleet whose size a scaler chooses, with requests sent to the least loaded replica.

Events are ordered by (time, kind, index): iterations that end, replicas that become ready, the scaler's ticks,
arrivals. The scaler is asked at every tick from the first arrival on, until the last request is finished.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush, heapreplace
from math import inf
from typing import Protocol

from ._batch import MAX_REQUESTS, USED
from ._errors import DecisionError, EventLimitError
from ._fleet import DRAINING, STARTING, UP, Fleet, FleetSpec
from ._fleet_result import FleetResult
from ._replica import DECODING, IDLE, Replica
from ._requests import Requests
from ._trace import ReplicaSpec, Trace, validated_cluster

END, READY, TICK = range(3)

FINISH_WINDOW_S = 120.0
"""Over which finished requests are counted."""
WINDOWS_S = (30.0, 120.0, 600.0)
"""Over which arrivals are counted."""

FLEET_FIELDS = (
    "now",
    "up",
    "starting",
    "draining",
    "most",
    "next_ready_s",
    "start_s",
    "waiting",
    "outstanding",
    "used_share",
    "rate_30",
    "rate_120",
    "rate_600",
    "tokens_rate",
    "finish_rate",
    "late_share",
)
"""What is seen at a tick: time (s); replicas that are up, starting and draining, and that there can be; seconds until
the next that starts is ready (0 if none does), and that a start takes; requests that wait centrally, and that are at
the replicas; used share of the KV blocks of those up; arrivals a second over the last 30, 120 and 600 s; prompt
and predicted output tokens that arrived a second over the last 120 s; requests that finished a second over the last
120 s, and the share of them that broke their promise."""


class Scaler(Protocol):
    """Who decides. It must be deterministic in what it has seen."""

    def replicas(self, observation: Sequence[float]) -> float:
        """Return how many replicas are wanted, up and starting: rounded, and kept within the fleet's limits."""


def simulate_fleet(
    replica: ReplicaSpec,
    fleet: FleetSpec,
    trace: Trace,
    promised_s: Sequence[float],
    scaler: Scaler,
    *,
    event_limit: int | None = None,
) -> FleetResult:
    """Run ``trace`` through a fleet of ``replica`` until every request is finished.

    Args:
        replica: what each replica of the fleet is.
        fleet: how many there can be, and how fast.
        trace: the requests.
        promised_s: the latency each request was promised (s), shape (n,), > 0.
        scaler: asked at every tick; may raise, which ends the run.
        event_limit: events after which the run is given up. None allows 20 for each request and one for each token.

    Returns:
        What was measured.

    Raises:
        ValueError: a request does not fit on a replica, or has no promise.
        DecisionError: the scaler answered something that is no number.
        EventLimitError: the run passed ``event_limit``.
    """
    specs = validated_cluster([replica] * fleet.most, trace)
    if len(trace) >= MAX_REQUESTS:
        raise ValueError(f"a trace may hold fewer than {MAX_REQUESTS} requests, got {len(trace)}; split it")
    promises = [float(each) for each in promised_s]
    wrong = [request for request, each in enumerate(promises) if not 0.0 < each < inf]
    if len(promises) != len(trace) or wrong:
        raise ValueError(
            f"each of {len(trace)} requests needs a promise > 0 s, got {len(promises)}; wrong is request {wrong[:1]}"
        )
    if event_limit is None:
        event_limit = 20 * len(trace) + int(trace.output_tokens.sum() + trace.prompt_tokens.sum())
    engine = _Engine(specs, fleet, trace, promises, scaler)
    engine.run(event_limit)
    return FleetResult(trace, engine.requests, engine.fleet, engine.sizes, promises)


class _Engine:
    """State of one run."""

    def __init__(
        self, specs: tuple[ReplicaSpec, ...], fleet: FleetSpec, trace: Trace, promises: list[float], scaler: Scaler
    ):
        self.requests = requests = Requests(trace, specs[0].block_size)
        self.replicas = [Replica(index, spec, requests) for index, spec in enumerate(specs)]
        start = requests.arrival_s[0]
        self.fleet = Fleet(fleet, specs, self.replicas, start)
        self.scaler = scaler
        self.promises = promises
        self.blocks = float(specs[0].blocks)
        self.queue: deque[int] = deque()
        self.events: list[tuple[float, int, int, int]] = [(start, TICK, 0, 0)]
        """(time, kind, replica, version); an iteration's end with another version than its replica's is void."""
        self.now = start
        self.left = len(promises)
        """Requests that are not finished."""
        self.arrived = 0
        self.sizes: list[tuple[float, int, int]] = []
        """(time, up, starting) after each tick."""
        self.oldest = 0
        """All requests before it finished longer ago than the window of finishes."""

    def run(self, event_limit: int) -> None:
        """Run to the end. Raises EventLimitError."""
        arrivals = [*self.requests.arrival_s, inf]
        last = len(arrivals) - 1
        events, replicas, fleet = self.events, self.replicas, self.fleet
        count = 0
        while self.left:
            if events and events[0][0] <= arrivals[self.arrived]:
                self.now, kind, index, version = events[0]
                if kind == END:
                    self._end(replicas[index], version)
                else:
                    heappop(events)
                    if kind == TICK:
                        self._tick()
                    elif fleet.become_ready(self.now, index):
                        self._feed()
            else:
                self._arrive(arrivals)
            count += 1
            if count > event_limit:
                raise EventLimitError(
                    f"gave up after {event_limit} events at {self.now:.3f} s: {self.arrived} of {last} requests "
                    f"arrived, {len(self.queue)} wait centrally. Lower the load, clip the lengths or raise event_limit."
                )
        fleet.close(self.now)

    def _end(self, replica: Replica, version: int) -> None:
        """End the planned iterations of a replica and start what comes next."""
        events = self.events
        if replica.version != version:
            heappop(events)
            return
        finished = replica.complete(self.now)
        if finished:
            self.left -= finished
            self.fleet.release(self.now, replica.index, finished)
            if self.queue:
                heappop(events)
                self._feed(replica)
                return
        end = replica.schedule(self.now)
        if end >= 0.0:
            heapreplace(events, (end, END, replica.index, replica.version))
        else:
            heappop(events)

    def _arrive(self, arrivals: list[float]) -> None:
        """Take in the next request and all that arrive with it."""
        now = self.now = arrivals[self.arrived]
        while arrivals[self.arrived] == now:
            self.queue.append(self.arrived)
            self.arrived += 1
        self._feed()

    def _feed(self, *freed: Replica) -> None:
        """Give waiting requests to replicas that may take them; start those that are idle and ``freed``."""
        now, queue, fleet, requests = self.now, self.queue, self.fleet, self.requests
        touched = [*freed]
        while queue and (index := fleet.least_loaded()) >= 0:
            request = queue.popleft()
            replica = self.replicas[index]
            fleet.outstanding[index] += 1
            requests.replica[request] = index
            requests.placed_s[request] = now
            admissible = replica.accept(request)
            if replica.mode == IDLE:
                touched.append(replica)
            elif admissible and replica.mode == DECODING:
                end = replica.cut(now)
                if end >= 0.0:
                    heappush(self.events, (end, END, index, replica.version))
        for replica in touched:
            if replica.mode == IDLE:
                end = replica.schedule(now)
                if end >= 0.0:
                    heappush(self.events, (end, END, replica.index, replica.version))

    def _tick(self) -> None:
        """Ask how many replicas are wanted, and move there."""
        fleet, now = self.fleet, self.now
        answer = self.scaler.replicas(self._observation())
        if answer != answer:
            raise DecisionError(f"replicas must return a number, got {answer!r}")
        wanted = round(min(max(answer, fleet.spec.least), fleet.spec.most))
        for ready, index in fleet.resize(now, wanted):
            heappush(self.events, (ready, READY, index, 0))
        self.sizes.append((now, fleet.count(UP), fleet.count(STARTING)))
        self._feed()
        heappush(self.events, (now + fleet.spec.tick_s, TICK, 0, 0))

    def _observation(self) -> list[float]:
        """Return FLEET_FIELDS."""
        now, fleet = self.now, self.fleet
        arrivals = self.requests.arrival_s
        counts = [self.arrived - bisect_left(arrivals, now - window, 0, self.arrived) for window in WINDOWS_S]
        recent = range(self.arrived - counts[1], self.arrived)
        prompt, predicted = self.requests.prompt, self.requests.predicted
        finished, late = self._finished(now - FINISH_WINDOW_S)
        up = [index for index, state in enumerate(fleet.states) if state == UP]
        used = sum(self.replicas[index].observe(now)[USED] for index in up)
        ready = [fleet.ready_s[index] for index, state in enumerate(fleet.states) if state == STARTING]
        return [
            now,
            float(len(up)),
            float(len(ready)),
            float(fleet.count(DRAINING)),
            float(fleet.spec.most),
            min(ready) - now if ready else 0.0,
            fleet.spec.start_s,
            float(len(self.queue)),
            float(sum(fleet.outstanding)),
            used / (len(up) * self.blocks) if up else 0.0,
            *(count / window for count, window in zip(counts, WINDOWS_S, strict=True)),
            sum(prompt[request] + predicted[request] for request in recent) / WINDOWS_S[1],
            finished / FINISH_WINDOW_S,
            late / finished if finished else 0.0,
        ]

    def _finished(self, since: float) -> tuple[int, int]:
        """Return how many requests finished from ``since`` on, and how many of them too late."""
        finish, arrival = self.requests.finish_s, self.requests.arrival_s
        while self.oldest < self.arrived and 0.0 <= finish[self.oldest] < since:
            self.oldest += 1
        found = [request for request in range(self.oldest, self.arrived) if finish[request] >= max(since, 0.0)]
        late = sum(finish[request] - arrival[request] > self.promises[request] for request in found)
        return len(found), late
