"""The event loop of one replica that a scheduler steers.

Iterations that end come before arrivals of the same instant, and all requests of one instant arrive before
an idle replica starts on them.
"""

from dataclasses import dataclass, field
from math import inf

from ._batch import MAX_REQUESTS
from ._errors import EventLimitError
from ._promises import HostMemory, Promises
from ._replica import DECODING, IDLE
from ._requests import Requests
from ._schedule_result import ScheduleResult
from ._schedule_view import Scheduler
from ._scheduled import ScheduledReplica
from ._trace import ReplicaSpec, Trace, validated_cluster


@dataclass(frozen=True)
class Server:
    """One replica and the host memory beside it."""

    replica: ReplicaSpec
    host: HostMemory = field(default_factory=HostMemory)


def simulate_schedule(
    server: Server,
    trace: Trace,
    promises: Promises,
    scheduler: Scheduler,
    *,
    event_limit: int | None = None,
    macro: bool = True,
) -> ScheduleResult:
    """Run ``trace`` through one replica until every request is finished.

    Args:
        server: the replica.
        trace: the requests.
        promises: what each of them was promised.
        scheduler: asked for decisions; may raise, which ends the run.
        event_limit: events (arrivals and ends of jumps) after which the run is given up. None allows 20 for each
            request and one for each of its tokens, which only endless preemption exceeds.
        macro: False steps one iteration at a time; slower, and equal up to rounding.

    Returns:
        What was measured.

    Raises:
        ValueError: a request does not fit on the replica, or has no promise.
        DecisionError: the scheduler answered something that is no number.
        EventLimitError: the run passed ``event_limit``.
    """
    spec = server.replica
    validated_cluster([spec], trace)
    promises.latency_s(trace)
    if len(trace) >= MAX_REQUESTS:
        raise ValueError(f"a trace may hold fewer than {MAX_REQUESTS} requests, got {len(trace)}; split it")
    if event_limit is None:
        event_limit = 20 * len(trace) + int(trace.output_tokens.sum() + trace.prompt_tokens.sum())
    requests = Requests(trace, spec.block_size)
    replica = ScheduledReplica(spec, requests, scheduler, promises, server.host, macro=macro)
    events = _run(replica, requests, event_limit)
    return ScheduleResult(server, trace, promises, requests, replica, events)


def _run(replica: ScheduledReplica, requests: Requests, event_limit: int) -> int:
    """Run to the end. Returns the number of events. Raises EventLimitError."""
    arrivals = [*requests.arrival_s, inf]
    last = len(arrivals) - 1
    arrived = count = 0
    end = -1.0
    while True:
        if 0.0 <= end <= arrivals[arrived]:
            replica.complete(end)
            end = replica.schedule(end)
        elif arrived < last:
            now = arrivals[arrived]
            heads = False
            while arrivals[arrived] == now:
                heads = replica.arrive(now, arrived) or heads
                arrived += 1
            if replica.mode == IDLE:
                end = replica.schedule(now)
            elif heads and replica.mode == DECODING and (cut := replica.cut(now)) >= 0.0:
                end = cut
        else:
            return count
        count += 1
        if count > event_limit:
            raise EventLimitError(
                f"gave up after {event_limit} events: {arrived} of {last} requests arrived, {replica.preemptions} "
                "preemptions. Lower the load, clip the lengths, preempt less or raise event_limit."
            )
