"""How many requests a second a cluster can sustain, so that a load can be stated as a fraction of it."""

from collections.abc import Sequence

import numpy as np

from ._cluster import simulate
from ._observation import CLUSTER_FIELDS, HOLD, REPLICA_FIELDS, REQUEST_FIELDS
from ._trace import ReplicaSpec, Trace

_FIRST = len(REQUEST_FIELDS) + len(CLUSTER_FIELDS)
_WIDTH = len(REPLICA_FIELDS)
_QUEUED = REPLICA_FIELDS.index("queued")

_KEPT_WAITING = 2.0
"""Requests kept waiting at each replica, so that none ever lacks one to admit."""


class _Saturate:
    """First come first served to whichever replica is about to run out of waiting requests."""

    def key(self, request: Sequence[float]) -> float:
        return request[0]

    def place(self, observation: Sequence[float]) -> int:
        queued = observation[_FIRST + _QUEUED :: _WIDTH]
        least = min(queued)
        return queued.index(least) if least < _KEPT_WAITING else HOLD


def capacity(replicas: Sequence[ReplicaSpec], trace: Trace) -> float:
    """Return the requests a second the cluster finishes while there is always more to do.

    Args:
        replicas: the cluster.
        trace: its lengths are taken, in order; its arrivals are not. Take some hundreds of requests a replica.

    Returns:
        Requests a second between the first and the last fifth of all completions: a router that keeps
        every replica supplied, in order of arrival and without regard to memory. One that avoids
        preemptions or mixes lengths better may sustain a few per cent more.
    """
    rush = Trace(np.zeros(len(trace)), trace.prompt_tokens, trace.output_tokens, trace.predicted_output)
    finish = np.sort(simulate(replicas, rush, _Saturate()).finish_s)
    first, last = len(finish) // 5, len(finish) - 1 - len(finish) // 5
    if finish[last] <= finish[first]:
        raise ValueError(f"the trace is too short to probe capacity: got {len(trace)} requests, use some hundreds")
    return float((last - first) / (finish[last] - finish[first]))
