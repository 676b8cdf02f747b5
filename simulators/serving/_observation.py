"""What a router sees, and in which order: the layout of an observation, fixed.

An observation of ``place`` is a flat list of doubles: the head's ``REQUEST_FIELDS``, then
``CLUSTER_FIELDS``, then ``REPLICA_FIELDS`` for replica 0, replica 1, and so on. ``key`` sees the
``REQUEST_FIELDS`` alone. The true length of an output is in none of them.
"""

from collections.abc import Sequence
from typing import Protocol

REQUEST_FIELDS = ("arrival", "waited", "prompt_tokens", "predicted_output", "prompt_blocks")
"""Arrival (s); time since then (s; 0 for ``key``); prompt and predicted output (tokens); KV blocks of the prompt."""

CLUSTER_FIELDS = ("now", "queue_length", "queue_tokens")
"""Time (s); requests in the central queue; their prompt and predicted output tokens. The head is included in both."""

REPLICA_FIELDS = (
    "index",
    "speed",
    "total_blocks",
    "used_blocks",
    "free_blocks",
    "reserved_blocks",
    "running",
    "queued",
    "prefill_tokens",
    "decode_tokens",
    "context_tokens",
    "iteration_s",
    "peak_blocks",
    "preemptions",
)
"""One row a replica, as of the end of its last completed iteration; a request counts as running from the
start of the iteration that admits it.

- ``index``, ``speed`` (relative), ``total_blocks``: constants of the replica.
- ``used_blocks``, ``free_blocks``: KV blocks held by running requests, and the others.
- ``reserved_blocks``: prompt blocks of the requests queued at the replica.
- ``running``, ``queued``: requests admitted, and requests placed but not admitted.
- ``prefill_tokens``: prompt tokens still to compute, queued and running.
- ``decode_tokens``: predicted output tokens still to come, queued and running; 0 for a request past its prediction.
- ``context_tokens``: tokens in the KV cache.
- ``iteration_s``: time of the next iteration if it only decodes (s); 0 if nothing decodes.
- ``peak_blocks``: blocks held if every queued and running request grew to prompt + max(predicted, generated).
- ``preemptions``: so far.
"""

HOLD = -1
"""The answer of ``place`` that keeps the head in the central queue."""


def observation_width(replicas: int) -> int:
    """Return how many doubles ``place`` observes in a cluster of ``replicas``."""
    return len(REQUEST_FIELDS) + len(CLUSTER_FIELDS) + replicas * len(REPLICA_FIELDS)


class Router(Protocol):
    """Who decides. Both calls must be deterministic in what they have seen."""

    def key(self, request: Sequence[float]) -> float:
        """Return the request's rank in the central queue: lower goes first, ties by arrival. Asked once, on arrival."""

    def place(self, observation: Sequence[float]) -> int | float:
        """Return the replica for the head of the queue, or ``HOLD``.

        Asked on an arrival that becomes the head and after requests finish while others wait, again and
        again until the answer is ``HOLD`` or the queue is empty.
        """
