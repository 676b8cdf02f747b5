"""What a scheduler sees and answers, and the count of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

JOB_FIELDS = (
    "waited",
    "prompt_tokens",
    "generated",
    "predicted_output",
    "left_tokens",
    "blocks",
    "resident",
    "preemptions",
    "first_target",
    "token_target",
    "swap_s",
)
"""What is seen of a request: seconds since it arrived; tokens of its prompt, generated so far and predicted to be
generated in all; tokens to compute before its next one comes out (0 while it decodes, and for a cache on the host);
blocks it holds, or needs to join; seconds since it last joined (0 in the line); preemptions so far; seconds promised
to its first token and for each token; seconds to copy its blocks one way."""

ENGINE_FIELDS = (
    "now",
    "total_blocks",
    "free_blocks",
    "peak_blocks",
    "host_blocks",
    "decoding",
    "waiting",
    "waiting_tokens",
    "iteration_s",
    "budget",
    "joined_tokens",
)
"""What is seen of the replica: time (s); KV blocks, and those still free after the next token of each decoding
request; blocks held if every running request grew to its predicted length; free blocks of the host; requests that
decode and that wait in line; tokens left to compute of the line and of the prompt under way; time of the next
iteration as it stands (s); prompt tokens that still fit it and that have joined it."""


class Scheduler(Protocol):
    """Who decides. Each call sees one flat list: JOB_FIELDS, then ENGINE_FIELDS. All must be deterministic."""

    def rank(self, observation: Sequence[float]) -> float:
        """Return the rank of a request in line: lower first, ties by arrival. Asked on arrival and when preempted."""

    def chunk(self, observation: Sequence[float]) -> float:
        """Return the tokens to compute of the prompt under way or of the head; below 1, it does not join."""

    def evict(self, observation: Sequence[float]) -> float:
        """Return how gladly a running request is preempted; below 0, not to make room for a head."""

    def swap(self, observation: Sequence[float]) -> float:
        """Return above 0 to copy a victim's cache to the host, where that has room; else it is dropped."""


@dataclass
class Tally:
    """What a scheduler was asked and did."""

    ranks: int = 0
    chunks: int = 0
    evicts: int = 0
    holds: int = 0
    """Answers of ``chunk`` after which nobody joined."""
    forced: int = 0
    """Answers below 1 where nothing decoded, so that the prompt was computed all the same."""
    displaced: int = 0
    """Preemptions made so that a head could join."""
    swaps: int = 0
    """Caches copied to the host."""
    swapped_blocks: int = 0
