"""The two inputs of a simulation: replicas and requests."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ._arrays import Floats, Ints
from ._iteration import IterationModel

MAX_BLOCKS = 1 << 25
"""The engine counts blocks in half a double."""


@dataclass(frozen=True)
class ReplicaSpec:
    """One copy of the model: its timing, its memory and its batching limits."""

    cost: IterationModel
    blocks: int
    """KV blocks."""
    block_size: int = 16
    """Tokens in a block."""
    max_batch: int = 256
    """Requests in an iteration."""
    chunk_tokens: int = 2048
    """Tokens in an iteration: one for each decoding request, the rest for chunks of prompts."""
    speed: float = 1.0
    """What the router is told; the timing itself is in ``cost``."""

    def __post_init__(self) -> None:
        for name in ("blocks", "block_size", "max_batch", "chunk_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        if self.blocks > MAX_BLOCKS:
            raise ValueError(f"blocks must be <= {MAX_BLOCKS}, got {self.blocks}")
        if self.chunk_tokens <= self.max_batch:
            raise ValueError(
                "chunk_tokens > max_batch must hold, or a full batch leaves no room for prompts; "
                f"got {self.chunk_tokens=}, {self.max_batch=}"
            )
        if self.chunk_tokens > self.cost.max_tokens or self.max_batch > self.cost.max_sequences:
            raise ValueError(
                f"the iteration model covers {self.cost.max_tokens} tokens and {self.cost.max_sequences} sequences; "
                f"got {self.chunk_tokens=}, {self.max_batch=}. Build larger tables or lower the limits."
            )
        if not (np.isfinite(self.speed) and self.speed > 0):
            raise ValueError(f"speed must be > 0, got {self.speed}")

    def scaled(self, speed: float, *, blocks: int | None = None) -> "ReplicaSpec":
        """Return this replica ``speed`` times as fast, with ``blocks`` KV blocks (None: as many as before)."""
        return replace(
            self,
            cost=self.cost.scaled(speed),
            speed=self.speed * speed,
            blocks=self.blocks if blocks is None else blocks,
        )


@dataclass(frozen=True)
class Trace:
    """Requests in order of arrival. All arrays have shape (n,)."""

    arrival_s: Floats
    """Seconds, non-decreasing, >= 0."""
    prompt_tokens: Ints
    """Tokens, >= 1."""
    output_tokens: Ints
    """Tokens, >= 1. The truth; no router sees it."""
    predicted_output: Ints
    """Tokens. Predictions are rounded to whole tokens and raised to 1."""

    def __post_init__(self) -> None:
        arrival = np.asarray(self.arrival_s, dtype=np.float64)
        if arrival.ndim != 1 or len(arrival) == 0:
            raise ValueError(f"arrival_s must have shape (n,) with n >= 1, got {arrival.shape}")
        if not np.all(np.isfinite(arrival)) or arrival[0] < 0 or np.any(np.diff(arrival) < 0):
            raise ValueError("arrival_s must be finite, >= 0 and sorted; sort the requests by arrival first")
        object.__setattr__(self, "arrival_s", _frozen(arrival))
        for name in ("prompt_tokens", "output_tokens", "predicted_output"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            if given.shape != arrival.shape:
                raise ValueError(f"{name} must have the shape of arrival_s {arrival.shape}, got {given.shape}")
            if not np.all(np.isfinite(given)) or np.any(given > 1e9):
                raise ValueError(f"{name} must be finite and at most 1e9 tokens")
            whole = np.rint(given)
            if name == "predicted_output":
                whole = np.maximum(whole, 1.0)
            elif len(wrong := np.flatnonzero((whole != given) | (given < 1))):
                raise ValueError(
                    f"{name} must be whole tokens >= 1, got {given[wrong[0]]} for request {wrong[0]}; drop it"
                )
            object.__setattr__(self, name, _frozen(whole.astype(np.int64)))

    def __len__(self) -> int:
        return len(self.arrival_s)


def _frozen(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    copy = array.copy()
    copy.setflags(write=False)
    return copy


def validated_cluster(replicas: Sequence[ReplicaSpec], trace: Trace) -> tuple[ReplicaSpec, ...]:
    """Return ``replicas`` as a tuple. Raises ValueError unless every replica could run every request of ``trace``."""
    specs = tuple(replicas)
    if not specs:
        raise ValueError("a cluster needs at least 1 replica, got none")
    sizes = {spec.block_size for spec in specs}
    if len(sizes) > 1:
        raise ValueError(f"all replicas must have the same block_size, got {sorted(sizes)}")
    size = sizes.pop()
    needed = -(-(trace.prompt_tokens + trace.output_tokens) // size)
    smallest = min(spec.blocks for spec in specs)
    if int(needed.max()) > smallest:
        index = int(needed.argmax())
        raise ValueError(
            f"request {index} (prompt {trace.prompt_tokens[index]}, output {trace.output_tokens[index]} tokens) needs "
            f"{needed[index]} KV blocks of {size} but the smallest replica has {smallest}; clip the lengths"
        )
    return specs
