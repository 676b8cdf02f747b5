"""The event loop: arrivals, the central queue, the router's decisions and the replicas' iterations.

Events are ordered by (time, kind, index): where times are equal, iterations that end come before
arrivals, and lower replicas before higher ones. All requests that arrive at one instant are placed before
an idle replica starts on them.

The router is asked to ``place`` the head of the central queue when an arrival becomes the head, and when
at least one request finished. A preemption is no such moment: its blocks go to the requests that stay,
and the victim queues at the replica. Where every replica is empty, no arrival is to come and the head is
held, the head is forced on the fastest replica.
"""

from collections.abc import Sequence
from heapq import heappop, heappush, heapreplace
from math import inf

from ._batch import MAX_REQUESTS
from ._errors import DecisionError, EventLimitError
from ._observation import HOLD, Router
from ._replica import DECODING, IDLE, Replica
from ._requests import Requests
from ._result import Decisions, Result
from ._trace import ReplicaSpec, Trace, validated_cluster


def simulate(
    replicas: Sequence[ReplicaSpec],
    trace: Trace,
    router: Router,
    *,
    event_limit: int | None = None,
    macro: bool = True,
) -> Result:
    """Run ``trace`` through a cluster until every request is finished.

    Args:
        replicas: the cluster; indices are positions in it.
        trace: the requests.
        router: asked for decisions; may raise, which ends the run.
        event_limit: events (arrivals and ends of jumps) after which the run is given up. None allows 20 for each
            request and one for each of its tokens, which only endless preemption exceeds.
        macro: False steps one iteration at a time; slower, and equal up to rounding.

    Returns:
        What was measured.

    Raises:
        ValueError: a request does not fit on some replica, or the replicas' block sizes differ.
        DecisionError: the router answered something that is not a decision.
        EventLimitError: the run passed ``event_limit``.
    """
    specs = validated_cluster(replicas, trace)
    if len(trace) >= MAX_REQUESTS:
        raise ValueError(f"a trace may hold fewer than {MAX_REQUESTS} requests, got {len(trace)}; split it")
    if event_limit is None:
        event_limit = 20 * len(trace) + int(trace.output_tokens.sum() + trace.prompt_tokens.sum())
    engine = _Engine(specs, trace, router, macro=macro)
    engine.run(event_limit)
    return Result(
        specs,
        trace,
        engine.requests,
        engine.replicas,
        Decisions(keys=len(trace), places=engine.places, holds=engine.holds, forced=engine.forced),
    )


class _Engine:
    """State of one run."""

    def __init__(self, specs: tuple[ReplicaSpec, ...], trace: Trace, router: Router, *, macro: bool):
        self.requests = requests = Requests(trace, specs[0].block_size)
        self.replicas = [Replica(index, spec, requests, macro=macro) for index, spec in enumerate(specs)]
        self.fastest = max(range(len(specs)), key=lambda index: (specs[index].speed, -index))
        self.events: list[tuple[float, int, int]] = []
        """(time, replica, version); an entry with another version than its replica's is void."""
        self.key = router.key
        self.place = router.place
        self.observe = [replica.observe for replica in self.replicas]
        self.queue: list[tuple[float, int]] = []
        self.queue_tokens = 0.0
        self.now = 0.0
        self.places = self.holds = self.forced = 0

    def run(self, event_limit: int) -> None:
        """Run to the end. Raises EventLimitError."""
        arrivals = [*self.requests.arrival_s, inf]
        last = len(arrivals) - 1
        events, replicas = self.events, self.replicas
        arrived = count = 0
        while True:
            if events and events[0][0] <= arrivals[arrived]:
                now, index, version = events[0]
                replica = replicas[index]
                if replica.version != version:
                    heappop(events)
                    continue
                self.now = now
                if replica.complete(now) and self.queue:
                    heappop(events)
                    touched = [replica]
                    self._drain(now, touched)
                    self._start(now, touched)
                elif (end := replica.schedule(now)) >= 0.0:
                    heapreplace(events, (end, index, replica.version))
                else:
                    heappop(events)
            elif arrived < last:
                arrived = self._arrive(arrived, arrivals)
            elif self.queue:
                self._force()
            else:
                return
            count += 1
            if count > event_limit:
                raise EventLimitError(
                    f"gave up after {event_limit} events at {self.now:.3f} s: {arrived} of {last} requests arrived, "
                    f"{len(self.queue)} wait centrally, {self.preempted()} preemptions. Lower the load, "
                    "clip the lengths or raise event_limit."
                )

    def preempted(self) -> int:
        """Return the preemptions of all replicas so far."""
        return sum(replica.preemptions for replica in self.replicas)

    def _arrive(self, first: int, arrivals: list[float]) -> int:
        """Take in request ``first`` and all that arrive with it. Returns the next request."""
        requests, queue = self.requests, self.queue
        now = self.now = arrivals[first]
        touched: list[Replica] = []
        request = first
        while arrivals[request] == now:
            fields = requests.fields[request]
            key = self.key(fields.copy())
            if key != key:
                raise DecisionError(f"key must return a number for request {request}, got {key!r}")
            self.queue_tokens += fields[2] + fields[3]
            heappush(queue, (key, request))
            if queue[0][1] == request:
                self._drain(now, touched)
            request += 1
        self._start(now, touched)
        return request

    def _drain(self, now: float, touched: list[Replica]) -> None:
        """Ask for the head until it is held or nothing waits; add idle replicas that got work to ``touched``."""
        requests, queue, replicas = self.requests, self.queue, self.replicas
        while queue:
            request = queue[0][1]
            observation = [*requests.fields[request], now, float(len(queue)), self.queue_tokens]
            observation[1] = now - observation[0]
            for observe in self.observe:
                observation += observe(now)
            answer = self.place(observation)
            self.places += 1
            if answer == HOLD:
                self.holds += 1
                return
            if not 0 <= answer < len(replicas) or int(answer) != answer:
                raise DecisionError(
                    f"place must return a replica from 0 to {len(replicas) - 1} or {HOLD} (hold), got {answer!r}"
                )
            self._put(now, replicas[int(answer)], touched)

    def _put(self, now: float, replica: Replica, touched: list[Replica]) -> None:
        """Move the head of the central queue to ``replica``."""
        requests = self.requests
        request = heappop(self.queue)[1]
        self.queue_tokens -= requests.prompt[request] + requests.predicted[request]
        requests.replica[request] = replica.index
        requests.placed_s[request] = now
        admissible = replica.accept(request)
        if replica.mode == IDLE:
            touched.append(replica)
        elif admissible and replica.mode == DECODING:
            end = replica.cut(now)
            if end >= 0.0:
                heappush(self.events, (end, replica.index, replica.version))

    def _start(self, now: float, touched: list[Replica]) -> None:
        """Start the idle replicas in ``touched``; one that was named twice starts once."""
        for replica in touched:
            if replica.mode == IDLE:
                end = replica.schedule(now)
                if end >= 0.0:
                    heappush(self.events, (end, replica.index, replica.version))

    def _force(self) -> None:
        """Place the held head on the fastest replica: every replica is empty and no arrival is to come."""
        touched: list[Replica] = []
        self.forced += 1
        self._put(self.now, self.replicas[self.fastest], touched)
        self._start(self.now, touched)
