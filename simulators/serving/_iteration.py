"""How long one iteration of a serving engine takes: an analytic model evaluated once into tables.

An iteration computes some chunks of prompts and one token for every decoding request. Its time is

    token_s[n] + head_s[sequences]
        + decode_fixed_s + context_s * sum(context)                    if anything decodes
        + prefill_fixed_s + pair_s * sum(chunk * (past + chunk / 2))   if any prompt is computed

with n the tokens of the iteration. Beside prompts, decode attention runs in one kernel with them and slower
(at about half the bandwidth on the two GPUs profiled), so ``mixed_context_s`` then replaces ``context_s``.
A decode-only iteration is linear in the context, so the time of k of them has a closed form; the event
engine lives on that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ._arrays import Floats
from ._efficiency import Efficiency, elementwise_seconds, gemm_seconds
from ._hardware import Gpu
from ._models import LanguageModel

ALLREDUCE_FLOOR_S = 30e-6
"""Small-message cost of an all-reduce where no table is given, seconds."""


@dataclass(frozen=True)
class IterationModel:
    """Times of an iteration, all in seconds. Build it with ``iteration_model`` or from measured tables."""

    token_s: tuple[float, ...]
    """Entry n: what depends on the number of tokens only (matrix products, element-wise, host), over all layers."""
    head_s: tuple[float, ...]
    """Entry b: language-model head and sampler for b sequences."""
    context_s: float
    """For each token of context a decoding request attends to."""
    decode_fixed_s: float
    """Once in an iteration in which anything decodes."""
    pair_s: float
    """For each (query, key) pair of prompt attention."""
    prefill_fixed_s: float
    """Once in an iteration that computes any prompt."""
    mixed_context_s: float
    """``context_s`` in an iteration that also computes prompts."""

    def __post_init__(self) -> None:
        for name in ("token_s", "head_s"):
            table = np.asarray(getattr(self, name), dtype=np.float64)
            if len(table) < 2 or not np.all(np.isfinite(table)) or table[0] < 0 or np.any(np.diff(table) < 0):
                raise ValueError(
                    f"{name} must hold at least 2 finite, non-decreasing, non-negative seconds; got {table[:4]}... "
                    f"(length {len(table)}). Smooth measured tables before building the model."
                )
            # The engine and its observations want plain floats: numpy's are slow one at a time.
            object.__setattr__(self, name, tuple(table.tolist()))
        for name in ("context_s", "decode_fixed_s", "pair_s", "prefill_fixed_s", "mixed_context_s"):
            object.__setattr__(self, name, float(getattr(self, name)))
        rates = (self.context_s, self.decode_fixed_s, self.pair_s, self.prefill_fixed_s, self.mixed_context_s)
        if not all(np.isfinite(rate) and rate >= 0 for rate in rates):
            raise ValueError(f"rates must be finite and >= 0, got {rates}")
        if self.mixed_context_s < self.context_s:
            raise ValueError(
                f"mixed_context_s >= context_s must hold, got {self.mixed_context_s} < {self.context_s}: "
                "prompts beside it cannot speed up decode attention"
            )
        if self.token_s[1] <= 0:
            raise ValueError("an iteration must take time: token_s[1] must be > 0, got 0")

    @property
    def max_tokens(self) -> int:
        """Largest number of tokens an iteration may hold."""
        return len(self.token_s) - 1

    @property
    def max_sequences(self) -> int:
        """Largest number of sequences an iteration may hold."""
        return len(self.head_s) - 1

    def scaled(self, speed: float) -> "IterationModel":
        """Return the model of an engine that is ``speed`` times as fast in everything."""
        if not (np.isfinite(speed) and speed > 0):
            raise ValueError(f"speed must be > 0, got {speed=}")
        return IterationModel(
            token_s=tuple(t / speed for t in self.token_s),
            head_s=tuple(t / speed for t in self.head_s),
            context_s=self.context_s / speed,
            decode_fixed_s=self.decode_fixed_s / speed,
            pair_s=self.pair_s / speed,
            prefill_fixed_s=self.prefill_fixed_s / speed,
            mixed_context_s=self.mixed_context_s / speed,
        )

    def with_host(self, host_s: float) -> "IterationModel":
        """Return the model with ``host_s`` more seconds in every iteration (scheduling, sampling, Python)."""
        if not (np.isfinite(host_s) and host_s >= 0):
            raise ValueError(f"host_s must be >= 0 seconds, got {host_s=}")
        return replace(self, token_s=(self.token_s[0], *(t + host_s for t in self.token_s[1:])))

    def decode_s(self, batch: int, context: float) -> float:
        """Return the time of an iteration that only decodes.

        Args:
            batch: decoding requests.
            context: tokens they attend to, all together and the new ones included.
        """
        return self.token_s[batch] + self.head_s[batch] + self.decode_fixed_s + self.context_s * context


@dataclass(frozen=True)
class AllReduceTable:
    """A measured all-reduce: seconds by message size, interpolated on logarithmic axes."""

    message_bytes: Sequence[float]
    seconds: Sequence[float]

    def __call__(self, size_bytes: Floats) -> Floats:
        """Return seconds for each size in ``size_bytes``."""
        sizes = np.log(np.maximum(size_bytes, 1.0))
        times = np.interp(sizes, np.log(np.asarray(self.message_bytes)), np.log(np.asarray(self.seconds)))
        return np.asarray(np.exp(times), dtype=np.float64)


@dataclass(frozen=True)
class HeadTable:
    """Measured language-model head and sampler: seconds by number of sequences, interpolated."""

    sequences: Sequence[float]
    seconds: Sequence[float]

    def __call__(self, sequences: Floats) -> Floats:
        """Return seconds for each number in ``sequences``."""
        times = np.interp(sequences, np.asarray(self.sequences), np.asarray(self.seconds))
        return np.asarray(times, dtype=np.float64)


def iteration_model(
    model: LanguageModel,
    gpu: Gpu,
    efficiency: Efficiency,
    *,
    tensor_parallel: int = 1,
    allreduce: AllReduceTable | None = None,
    head: HeadTable | None = None,
) -> IterationModel:
    """Evaluate the analytic model into the tables an engine reads (4,096 tokens, 1,024 sequences).

    Args:
        model, gpu, efficiency: what runs, where and how well.
        tensor_parallel: GPUs a layer is split over; must divide the KV heads.
        allreduce: measured all-reduce; None takes 2 (t - 1) / t bytes over the link and a fixed cost.
        head: measured head and sampler; None takes the time to read the head's weights.

    The time outside the GPU is not in it: add it by ``IterationModel.with_host``.
    """
    t = tensor_parallel
    if t < 1 or model.kv_heads % t:
        raise ValueError(f"tensor_parallel must divide kv_heads={model.kv_heads}, got {tensor_parallel=}")
    n = np.arange(4097, dtype=np.float64)
    layer = gemm_seconds(model, gpu, efficiency, n, tensor_parallel=t) + elementwise_seconds(
        model, gpu, efficiency, n, tensor_parallel=t
    )
    if t > 1:
        message = 2.0 * n * model.hidden
        ring = 2.0 * (t - 1) / t * message / gpu.link_bytes_per_s + ALLREDUCE_FLOOR_S
        layer += np.where(n > 0, 2.0 * (allreduce(message) if allreduce else ring), 0.0)
    token_s = model.layers * layer
    sequences = np.arange(1025, dtype=np.float64)
    if head is not None:
        head_s = head(sequences)
    else:
        read_s = 2.0 * model.vocabulary * model.hidden / t / (efficiency.head_bandwidth * gpu.bytes_per_s)
        head_s = read_s + sequences * efficiency.sampler_s
    head_s[0] = 0.0
    context_s = model.layers * 4.0 * model.kv_width / t / gpu.bytes_per_s
    return IterationModel(
        token_s=tuple(np.maximum.accumulate(token_s).tolist()),
        head_s=tuple(np.maximum.accumulate(head_s).tolist()),
        context_s=context_s / efficiency.decode_bandwidth,
        decode_fixed_s=model.layers * efficiency.attention_fixed_s,
        pair_s=model.layers * 4.0 * model.query_width / t / (efficiency.prefill_compute * gpu.flops),
        prefill_fixed_s=model.layers * efficiency.attention_fixed_s,
        mixed_context_s=context_s / efficiency.mixed_bandwidth,
    )
