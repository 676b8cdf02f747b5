"""A cluster whose replicas cache prefixes, behind a router that places every request when it arrives.

Events are ordered by (time, kind, index): iterations that end before arrivals, lower replicas before higher ones. All
requests that arrive at one instant are placed before an idle replica starts on them.
"""

from collections.abc import Sequence
from heapq import heappop, heappush, heapreplace
from operator import itemgetter
from typing import NamedTuple, Protocol

import numpy as np

from ._batch import MAX_REQUESTS
from ._errors import DecisionError, EventLimitError
from ._observation import REPLICA_FIELDS
from ._prefix_replica import PrefixReplica
from ._prefixes import PrefixTrace
from ._replica import DECODING, IDLE
from ._requests import Requests
from ._result import Decisions, Result
from ._trace import ReplicaSpec, validated_cluster

PREFIX_REQUEST_FIELDS = ("prompt_tokens", "predicted_output", "session", "first_block", "now")
"""Tokens; the number of its conversation; the number of its prompt's first block, -1 where it has none; and the time of
its arrival (s)."""

PREFIX_REPLICA_FIELDS = (
    "index",
    "speed",
    "cache_blocks",
    "cached_tokens",
    "prefill_tokens",
    "running",
    "queued",
    "free_blocks",
    "context_tokens",
    "iteration_s",
)
"""One row a replica: its number, speed and blocks of cache; how many tokens of this prompt it has cached now; then as
in ``REPLICA_FIELDS``, ``prefill_tokens`` without what is cached."""

_SHOWN = itemgetter(*(REPLICA_FIELDS.index(name) for name in PREFIX_REPLICA_FIELDS[4:]))


class CachingReplica(NamedTuple):
    """A replica and the room of its prefix cache."""

    spec: ReplicaSpec
    cache_blocks: int
    """In blocks of the trace."""


class Placer(Protocol):
    """Who decides. Must be deterministic in what it has seen."""

    def place(self, observation: Sequence[float]) -> int | float:
        """Return the replica for the request that has arrived.

        Args:
            observation: ``PREFIX_REQUEST_FIELDS``, then ``PREFIX_REPLICA_FIELDS`` for replica 0, 1, ...
        """


def simulate_prefixes(
    replicas: Sequence[CachingReplica], trace: PrefixTrace, placer: Placer, *, event_limit: int | None = None
) -> Result:
    """Run ``trace`` through a cluster that caches prefixes until every request is finished.

    Args:
        replicas: the cluster; indices are positions in it.
        trace: the requests.
        placer: asked once for each request; may raise, which ends the run.
        event_limit: ends of jumps after which the run is given up. None allows 20 for each request and one for each of
            its tokens, which only endless preemption exceeds.

    Returns:
        What was measured. Its ``reused_tokens`` are what the caches spared.

    Raises:
        ValueError: a request does not fit on some replica, a cache is smaller than nothing, or block sizes differ.
        DecisionError: the placer answered something that is no replica.
        EventLimitError: the run passed ``event_limit``.
    """
    specs = validated_cluster([replica.spec for replica in replicas], trace.requests)
    if len(trace) >= MAX_REQUESTS:
        raise ValueError(f"a trace may hold fewer than {MAX_REQUESTS} requests, got {len(trace)}; split it")
    requests = Requests(trace.requests, specs[0].block_size)
    fleet = [PrefixReplica(index, each.spec, requests, trace, each.cache_blocks) for index, each in enumerate(replicas)]
    if event_limit is None:
        event_limit = 20 * len(trace) + int(trace.requests.output_tokens.sum() + trace.requests.prompt_tokens.sum())
    _Engine(fleet, requests, event_limit).run(_Observer(replicas, fleet, trace), placer)
    return Result(specs, trace.requests, requests, fleet, Decisions(keys=0, places=len(trace), holds=0, forced=0))


class _Observer:
    """What a placer is shown of a request."""

    def __init__(self, replicas: Sequence[CachingReplica], fleet: Sequence[PrefixReplica], trace: PrefixTrace):
        first = [float(row[0]) if row else -1.0 for row in trace.blocks]
        requests = trace.requests
        columns = (requests.prompt_tokens, requests.predicted_output, trace.session, first, requests.arrival_s)
        self._heads: list[list[float]] = np.column_stack(columns).tolist()
        self._fleet = [
            (replica, float(replica.index), float(each.spec.speed), float(each.cache_blocks))
            for replica, each in zip(fleet, replicas, strict=True)
        ]

    def __call__(self, request: int, now: float) -> list[float]:
        observation = self._heads[request]
        for replica, index, speed, cache_blocks in self._fleet:
            shown = _SHOWN(replica.observe(now))
            observation += (index, speed, cache_blocks, float(replica.cached_tokens(request)), *shown)
        return observation


class _Engine:
    """State of one run."""

    def __init__(self, fleet: Sequence[PrefixReplica], requests: Requests, event_limit: int):
        self.fleet = fleet
        self.requests = requests
        self.events: list[tuple[float, int, int]] = []
        """(time, replica, version); an entry with another version than its replica's is void."""
        self.events_left = event_limit

    def run(self, observe: _Observer, placer: Placer) -> None:
        """Run to the end. Raises EventLimitError."""
        events, fleet = self.events, self.fleet
        idle: list[PrefixReplica] = []
        last = -1.0
        for request, now in enumerate(self.requests.arrival_s):
            if now != last:
                self._start(idle, last)
                while events and events[0][0] <= now:
                    self._end_first()
                last = now
            answer = placer.place(observe(request, now))
            if not 0 <= answer < len(fleet) or int(answer) != answer:
                raise DecisionError(f"place must return a replica from 0 to {len(fleet) - 1}, got {answer!r}")
            self._put(request, now, fleet[int(answer)], idle)
        self._start(idle, last)
        while events:
            self._end_first()

    def _put(self, request: int, now: float, replica: PrefixReplica, idle: list[PrefixReplica]) -> None:
        requests = self.requests
        requests.replica[request] = replica.index
        requests.placed_s[request] = now
        admissible = replica.accept(request)
        if replica.mode == IDLE:
            idle.append(replica)
        elif admissible and replica.mode == DECODING:
            end = replica.cut(now)
            if end >= 0.0:
                heappush(self.events, (end, replica.index, replica.version))

    def _start(self, idle: list[PrefixReplica], now: float) -> None:
        """Start the replicas that got work while idle, and forget them; one that is named twice starts once."""
        for replica in idle:
            if replica.mode == IDLE:
                heappush(self.events, (replica.schedule(now), replica.index, replica.version))
        idle.clear()

    def _end_first(self) -> None:
        """Handle the first event. Raises EventLimitError."""
        now, index, version = self.events[0]
        replica = self.fleet[index]
        if replica.version != version:
            heappop(self.events)
            return
        replica.complete(now)
        if (end := replica.schedule(now)) >= 0.0:
            heapreplace(self.events, (end, index, replica.version))
        else:
            heappop(self.events)
        self.events_left -= 1
        if self.events_left < 0:
            raise EventLimitError(
                f"gave up at {now:.3f} s, when the run had more events than it was allowed, "
                f"{sum(each.preemptions for each in self.fleet)} preemptions among them. Lower the load, clip the "
                "lengths or raise event_limit."
            )
