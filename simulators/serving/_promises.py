"""What requests were promised, and where a cache goes that is taken from the GPU: the scheduler's own inputs."""

from dataclasses import dataclass

import numpy as np

from ._arrays import Floats
from ._trace import Trace


@dataclass(frozen=True)
class Promises:
    """What each request of a trace was promised. Arrays have shape (n,)."""

    first_s: Floats
    """Seconds to its first token, > 0."""
    token_s: Floats
    """Seconds for each token, > 0."""
    gap_s: float = 0.1
    """A token that comes later than this after the one before it stalls its reader for the rest."""

    def __post_init__(self) -> None:
        for name in ("first_s", "token_s"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            if given.ndim != 1:
                raise ValueError(f"{name} must have shape (n,), got {given.shape}")
            wrong = np.flatnonzero(~(np.isfinite(given) & (given > 0)))
            if len(wrong):
                raise ValueError(f"{name} must be seconds > 0, but request {wrong[0]} has {given[wrong[0]]}")
            object.__setattr__(self, name, given)
        if not self.gap_s > 0:
            raise ValueError(f"gap_s must be > 0 seconds, got {self.gap_s}")

    def latency_s(self, trace: Trace) -> Floats:
        """Return the latency (s) that each request was promised. Raises ValueError where the shapes differ."""
        if not self.first_s.shape == self.token_s.shape == trace.arrival_s.shape:
            raise ValueError(
                f"every request needs its promise: expected shape {trace.arrival_s.shape}, got {self.first_s.shape} "
                f"and {self.token_s.shape}"
            )
        return np.asarray(self.first_s + self.token_s * trace.output_tokens)


@dataclass(frozen=True)
class HostMemory:
    """Memory beside the GPU that caches can be copied to."""

    blocks: int = 0
    """KV blocks it holds."""
    block_s: float = 0.0
    """Seconds to copy a block one way. The batch waits meanwhile."""

    def __post_init__(self) -> None:
        if self.blocks < 0 or not (np.isfinite(self.block_s) and self.block_s >= 0):
            raise ValueError(f"blocks >= 0 and block_s >= 0 must hold, got {self.blocks=}, {self.block_s=}")
