"""What a replica of the testbed is: the sizes of its model and of its memory, as plain data."""

from typing import Literal, Self

from pydantic import Field, model_validator

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

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden must be an even number for each head, got {self.hidden=}, {self.heads=}")
        return self

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
    host_blocks: int = Field(default=0, ge=0)
    """Blocks of the host's memory beside it, that caches can be copied to."""

    @model_validator(mode="after")
    def _leaves_room_for_prompts(self) -> Self:
        if self.chunk_tokens <= self.max_batch:
            raise ValueError(
                "chunk_tokens > max_batch must hold, or a full batch leaves no room for prompts; "
                f"got {self.chunk_tokens=}, {self.max_batch=}"
            )
        return self

    def blocks_of(self, tokens: int) -> int:
        """Return the blocks that ``tokens`` fill."""
        return -(-tokens // self.block_size)
