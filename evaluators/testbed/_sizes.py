"""What a replica of the testbed is: the sizes of its model and of its memory, as plain data."""

from typing import Literal

from pydantic import Field

from .._contract import Frozen

Device = Literal["cpu", "cuda"]


class DecoderSize(Frozen):
    """A decoder-only transformer with gated feed-forward layers, rotary positions and random weights."""

    layers: int = Field(ge=1)
    hidden: int = Field(ge=8)
    heads: int = Field(ge=1)
    ffn: int = Field(ge=8)
    """Width of the feed-forward layers."""
    vocabulary: int = Field(ge=2)

    @property
    def head_size(self) -> int:
        """Numbers in a key of one head."""
        return self.hidden // self.heads


class ReplicaSize(Frozen):
    """One server: its model, its KV memory and its batching limits."""

    decoder: DecoderSize
    blocks: int = Field(ge=1)
    """KV blocks."""
    block_size: int = Field(default=16, ge=1)
    """Tokens in a block."""
    max_batch: int = Field(default=32, ge=1)
    """Requests in an iteration."""
    chunk_tokens: int = Field(default=128, ge=2)
    """Tokens in an iteration: one for each decoding request, the rest for chunks of prompts."""

    def blocks_of(self, tokens: int) -> int:
        """Return the blocks that ``tokens`` fill."""
        return -(-tokens // self.block_size)
