"""Prompts that share prefixes, and a cache of prefixes: block hashes in, tokens that need not be computed out.

A prompt is cut into blocks of a fixed number of tokens. The number of a block stands for its tokens and all that
precede them, as in the hash chains of vLLM and Mooncake: two prompts with the same number have the same prefix up to
and including that block. So a block always follows the same one, and that is checked.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._arrays import Ints
from ._trace import Trace


@dataclass(frozen=True)
class PrefixTrace:
    """Requests in order of arrival, and the blocks of their prompts."""

    requests: Trace
    blocks: tuple[tuple[int, ...], ...]
    """For each request the numbers of its prompt's blocks, first one first. The last one may not be full."""
    session: Ints
    """Shape (n,), >= 0: requests of one conversation have the same number."""
    block_tokens: int
    """Tokens in a block."""

    def __post_init__(self) -> None:
        n = len(self.requests)
        if self.block_tokens < 1:
            raise ValueError(f"block_tokens must be >= 1, got {self.block_tokens}")
        session = np.asarray(self.session, dtype=np.int64)
        if len(self.blocks) != n or session.shape != (n,) or np.any(session < 0):
            raise ValueError(
                f"expected the blocks and a session >= 0 of each of the {n} requests, got {len(self.blocks)} and "
                f"sessions of shape {session.shape}"
            )
        session.setflags(write=False)
        object.__setattr__(self, "session", session)
        object.__setattr__(self, "blocks", _chained(self.blocks, self.requests.prompt_tokens, self.block_tokens))

    def __len__(self) -> int:
        return len(self.requests)

    def known_tokens(self) -> Ints:
        """Return for each prompt the tokens that a boundless cache of all earlier prompts would spare, shape (n,)."""
        seen: set[int] = set()
        known = []
        for blocks in self.blocks:
            known.append(next((place for place, block in enumerate(blocks) if block not in seen), len(blocks)))
            seen.update(blocks)
        return np.asarray(np.minimum(np.array(known) * self.block_tokens, self.requests.prompt_tokens - 1))


class PrefixCache:
    """The prefixes one replica keeps, least recently used out first.

    A prompt is stored from its last block to its first. So a block is never older than one that follows it, goes
    later, and what is cached of any prompt is a run from its start.
    """

    __slots__ = ("_capacity", "_held")

    def __init__(self, capacity: int):
        if capacity < 0:
            raise ValueError(f"a prefix cache must have room for >= 0 blocks, got {capacity}")
        self._capacity = capacity
        self._held: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def match(self, blocks: Sequence[int]) -> int:
        """Return how many leading ones of ``blocks`` are cached."""
        held = self._held
        if not blocks or blocks[0] not in held:
            return 0
        low, high = 1, len(blocks)
        while low < high:
            middle = (low + high + 1) >> 1
            if blocks[middle - 1] in held:
                low = middle
            else:
                high = middle - 1
        return low

    def store(self, blocks: Sequence[int]) -> None:
        """Keep ``blocks`` as the most recently used ones; forget others where there is no room."""
        held = self._held
        for block in reversed(blocks):
            held[block] = None
            held.move_to_end(block)
        for _ in range(len(held) - self._capacity):
            held.popitem(last=False)


def _chained(blocks: Sequence[Sequence[int]], prompt: Ints, size: int) -> tuple[tuple[int, ...], ...]:
    """Return ``blocks`` as tuples. Raises ValueError for the first request whose blocks cannot be its prompt's."""
    before: dict[int, int] = {}
    rows = tuple(tuple(row) for row in blocks)
    for request, (row, tokens) in enumerate(zip(rows, prompt.tolist(), strict=True)):
        if not tokens // size <= len(row) <= -(-tokens // size):
            raise ValueError(
                f"request {request}: a prompt of {tokens} tokens has {-(-tokens // size)} blocks of {size} (the last "
                f"may be left out where it is not full), got {len(row)}"
            )
        last = -1
        for block in row:
            if block < 0:
                raise ValueError(f"request {request}: blocks must be numbers >= 0, got {block}")
            if before.setdefault(block, last) != last:
                raise ValueError(
                    f"request {request}: block {block} follows {_named(last)} here and {_named(before[block])} before; "
                    "a number must stand for one prefix"
                )
            last = block
    return rows


def _named(block: int) -> str:
    return "nothing" if block < 0 else f"block {block}"
