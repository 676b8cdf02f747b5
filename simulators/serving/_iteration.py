"""How long one iteration of a serving engine takes: an analytic model evaluated once into tables.

An iteration computes some chunks of prompts and one token for every decoding request. Its time is

    token_s[n] + head_s[sequences] + [decode_fixed_s + context_s * sum(context)]      (if anything decodes)
                                   + [prefill_fixed_s + pair_s * sum(chunk (past + chunk / 2))]  (if any prompt)

with n the tokens of the iteration. A decode-only iteration is therefore linear in the context, so the
time of k of them has a closed form; the event engine lives on that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ._hardware import Gpu
from ._models import LanguageModel

Floats = npt.NDArray[np.float64]

ELEMENTWISE_BANDWIDTH = 0.6
"""Share of the memory bandwidth that norms, rotary embedding, activation and additions reach."""
ELEMENTWISE_FIXED_S = 12e-6
"""Launch cost of those kernels, seconds a layer."""
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

    def __post_init__(self) -> None:
        for name in ("token_s", "head_s"):
            table = np.asarray(getattr(self, name))
            if len(table) < 2 or not np.all(np.isfinite(table)) or table[0] < 0 or np.any(np.diff(table) < 0):
                raise ValueError(
                    f"{name} must hold at least 2 finite, non-decreasing, non-negative seconds; got {table[:4]}..."
                    f" (length {len(table)}). Smooth measured tables before building the model."
                )
        rates = (self.context_s, self.decode_fixed_s, self.pair_s, self.prefill_fixed_s)
        if not all(np.isfinite(rate) and rate >= 0 for rate in rates):
            raise ValueError(f"rates must be finite and >= 0, got {rates}")
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
        )

    def with_host(self, host_s: float) -> "IterationModel":
        """Return the model with ``host_s`` more seconds in every iteration (scheduling, sampling, Python)."""
        return replace(self, token_s=(self.token_s[0], *(t + host_s for t in self.token_s[1:])))

    def decode_s(self, batch: int, context: float) -> float:
        """Return the time of an iteration that only decodes.

        Args:
            batch: decoding requests.
            context: tokens they attend to, all together and the new ones included.
        """
        return self.token_s[batch] + self.head_s[batch] + self.decode_fixed_s + self.context_s * context


@dataclass(frozen=True)
class Efficiency:
    """What an engine reaches of a GPU's peaks, as fitted to profiles (shares of the peak, seconds a layer)."""

    compute: float
    """Of the peak FLOP/s, in matrix products."""
    bandwidth: float
    """Of the memory bandwidth, in matrix products."""
    fixed_s: float
    """Of the matrix products of one layer."""
    blend: float
    """Exponent p of the soft maximum (compute^p + memory^p)^(1/p)."""
    decode_bandwidth: float
    """Of the memory bandwidth, in decode attention."""
    attention_fixed_s: float
    """Of one attention kernel."""
    prefill_compute: float
    """Of the peak FLOP/s, in prompt attention."""
    head_bandwidth: float = 0.9
    """Of the memory bandwidth, in the language-model head."""
    sampler_s: float = 5e-6
    """For each sequence."""


EFFICIENCIES: dict[str, Efficiency] = {
    "A10": Efficiency(0.78, 0.794, 19e-6, 1.65, 0.77, 13e-6, 0.5),
    "A40": Efficiency(0.78, 0.794, 19e-6, 1.65, 0.77, 13e-6, 0.5),
    "A100-80G": Efficiency(0.744, 0.825, 22e-6, 1.45, 0.766, 13e-6, 0.59),
    "H100": Efficiency(0.769, 0.999, 24e-6, 1.24, 0.89, 12.5e-6, 0.65),
    "RTX4090": Efficiency(0.94, 0.94, 21e-6, 2.3, 0.87, 12.7e-6, 0.67),
    "RTXPRO6000": Efficiency(0.77, 0.87, 31e-6, 1.9, 0.78, 12.4e-6, 0.40),
}
"""Fitted to public kernel profiles (A40, A100, H100: Vidur's; RTX: LLMServingSim's). A10 borrows the A40's."""


@dataclass(frozen=True)
class AllReduce:
    """A measured all-reduce: seconds by message size, interpolated on logarithmic axes."""

    message_bytes: Sequence[float]
    seconds: Sequence[float]

    def __call__(self, size_bytes: Floats) -> Floats:
        """Return seconds for each size in ``size_bytes``."""
        sizes = np.log(np.maximum(size_bytes, 1.0))
        times = np.interp(sizes, np.log(np.asarray(self.message_bytes)), np.log(np.asarray(self.seconds)))
        return np.asarray(np.exp(times), dtype=np.float64)


def gemm_seconds(
    model: LanguageModel, gpu: Gpu, efficiency: Efficiency, tokens: npt.ArrayLike, *, tensor_parallel: int = 1
) -> Floats:
    """Return the time of the matrix products of one layer on one of ``tensor_parallel`` GPUs.

    A soft maximum of compute time and memory time plus a fixed cost. With experts, weights are read for
    those hit under uniform routing, E (1 - (1 - k / E)^n), and operations count the k active ones.

    Args:
        model, gpu, efficiency: what is computed, where and how well.
        tokens: token counts n.
        tensor_parallel: GPUs a layer is split over.
    """
    n = np.asarray(tokens, dtype=np.float64)
    t = tensor_parallel
    hit_share = 1.0 - (1.0 - model.experts_per_token / model.experts) ** n
    read_weights = (model.attention_weights + model.experts * hit_share * model.ffn_weights) / t
    active_weights = (model.attention_weights + model.experts_per_token * model.ffn_weights) / t
    q, kv = model.query_width, model.kv_width
    numbers = 2 * model.hidden + (q + 2 * kv + q + 3 * model.experts_per_token * model.ffn) / t
    compute = n * 2.0 * active_weights / (efficiency.compute * gpu.flops)
    memory = (2.0 * read_weights + 2.0 * n * numbers) / (efficiency.bandwidth * gpu.bytes_per_s)
    p = efficiency.blend
    blended = (compute**p + memory**p) ** (1.0 / p) + efficiency.fixed_s
    return np.asarray(np.where(n > 0, blended, 0.0), dtype=np.float64)


def elementwise_seconds(
    model: LanguageModel, gpu: Gpu, tokens: npt.ArrayLike, *, tensor_parallel: int = 1
) -> Floats:
    """Return the time of norms, rotary embedding, activation and additions of one layer for ``tokens``."""
    n = np.asarray(tokens, dtype=np.float64)
    width = 10 * model.hidden + (
        3 * model.experts_per_token * model.ffn + 2 * (model.query_width + model.kv_width)
    ) / tensor_parallel
    moved = 2.0 * n * width / (ELEMENTWISE_BANDWIDTH * gpu.bytes_per_s)
    return np.asarray(np.where(n > 0, moved + ELEMENTWISE_FIXED_S, 0.0), dtype=np.float64)


def iteration_model(
    model: LanguageModel,
    gpu: Gpu,
    efficiency: Efficiency,
    *,
    tensor_parallel: int = 1,
    host_s: float = 0.0,
    allreduce: AllReduce | None = None,
) -> IterationModel:
    """Evaluate the analytic model into the tables an engine reads (4,096 tokens, 1,024 sequences).

    Args:
        model, gpu, efficiency: what runs, where and how well.
        tensor_parallel: GPUs a layer is split over; must divide the KV heads.
        host_s: seconds an iteration spends outside the GPU; one constant for an engine version, fitted to a log.
        allreduce: measured all-reduce; None takes 2 (t - 1) / t bytes over the link and a fixed cost.
    """
    t = tensor_parallel
    if t < 1 or model.kv_heads % t:
        raise ValueError(f"tensor_parallel must divide kv_heads={model.kv_heads}, got {tensor_parallel=}")
    n = np.arange(4097, dtype=np.float64)
    layer = gemm_seconds(model, gpu, efficiency, n, tensor_parallel=t) + elementwise_seconds(
        model, gpu, n, tensor_parallel=t
    )
    if t > 1:
        message = 2.0 * n * model.hidden
        ring = 2.0 * (t - 1) / t * message / gpu.link_bytes_per_s + ALLREDUCE_FLOOR_S
        layer += np.where(n > 0, 2.0 * (allreduce(message) if allreduce else ring), 0.0)
    token_s = model.layers * layer + np.where(n > 0, host_s, 0.0)
    sequences = np.arange(1025, dtype=np.float64)
    head_read = 2.0 * model.vocabulary * model.hidden / t / (efficiency.head_bandwidth * gpu.bytes_per_s)
    head_s = np.where(sequences > 0, head_read + sequences * efficiency.sampler_s, 0.0)
    kv_bytes = 4.0 * model.kv_width / t
    pair_flops = 4.0 * model.query_width / t
    return IterationModel(
        token_s=tuple(np.maximum.accumulate(token_s).tolist()),
        head_s=tuple(head_s.tolist()),
        context_s=model.layers * kv_bytes / (efficiency.decode_bandwidth * gpu.bytes_per_s),
        decode_fixed_s=model.layers * efficiency.attention_fixed_s,
        pair_s=model.layers * pair_flops / (efficiency.prefill_compute * gpu.flops),
        prefill_fixed_s=model.layers * efficiency.attention_fixed_s,
    )
