"""What an engine reaches of a GPU, and the kernel times that follow from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._arrays import Floats
from ._hardware import Gpu
from ._models import LanguageModel


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """What an engine reaches of a GPU's peaks: shares of the peak, and seconds in each layer."""

    compute: float
    """Of the peak FLOP/s, in matrix products."""
    bandwidth: float
    """Of the memory bandwidth, in matrix products."""
    fixed_s: float
    """Of the matrix products of a layer."""
    blend: float
    """Exponent p >= 1 of the soft maximum (compute^p + memory^p)^(1/p)."""
    decode_bandwidth: float
    """Of the memory bandwidth, in decode attention."""
    mixed_bandwidth: float
    """Of the memory bandwidth, in decode attention beside prompts."""
    prefill_compute: float
    """Of the peak FLOP/s, in prompt attention."""
    attention_fixed_s: float
    """Of an attention kernel."""
    elementwise_bandwidth: float = 0.6
    """Of the memory bandwidth, in norms, rotary embedding, activation and additions. Above 1 where caches serve."""
    elementwise_fixed_s: float = 12e-6
    """Of those kernels."""
    head_bandwidth: float = 0.9
    """Of the memory bandwidth, in the language-model head."""
    sampler_s: float = 1e-6
    """For each sequence."""


def _efficiency(gemm: tuple[float, float, float, float], attention: tuple[float, float, float]) -> Efficiency:
    return Efficiency(
        compute=gemm[0],
        bandwidth=gemm[1],
        fixed_s=gemm[2] * 1e-6,
        blend=gemm[3],
        decode_bandwidth=attention[0],
        mixed_bandwidth=attention[0],
        attention_fixed_s=attention[1] * 1e-6,
        prefill_compute=attention[2],
    )


EFFICIENCIES: dict[str, Efficiency] = {
    "A10": _efficiency((0.78, 0.794, 19, 1.65), (0.77, 13, 0.5)),
    "A40": _efficiency((0.78, 0.794, 19, 1.65), (0.77, 13, 0.5)),
    "A100-80G": _efficiency((0.744, 0.825, 22, 1.45), (0.766, 13, 0.59)),
    "H100": _efficiency((0.769, 0.999, 24, 1.24), (0.89, 12.5, 0.65)),
    "RTX4090": _efficiency((0.94, 0.94, 21, 2.3), (0.87, 12.7, 0.67)),
    "RTXPRO6000": _efficiency((0.77, 0.87, 31, 1.9), (0.78, 12.4, 0.40)),
}
"""Fitted to public kernel profiles (Vidur's for A40, A100 and H100, LLMServingSim's for the RTX cards).

The A10 borrows the A40's matrix products, and both the A100's decode attention. Decode attention beside
prompts is taken as fast as alone: only a fit of one's own profiles (``fit_attention``) tells it apart.
"""


def gemm_seconds(
    model: LanguageModel,
    gpu: Gpu,
    efficiency: Efficiency,
    tokens: npt.ArrayLike,
    *,
    tensor_parallel: npt.ArrayLike = 1,
) -> Floats:
    """Return the time (s) of the matrix products of one layer on one of ``tensor_parallel`` GPUs.

    A soft maximum of compute time and memory time plus a fixed cost. With experts, weights are read for
    those hit under uniform routing, E (1 - (1 - k / E)^n), and operations count the k active ones.

    Args:
        model, gpu, efficiency: what is computed, where and how well.
        tokens: token counts n, shape (k,).
        tensor_parallel: GPUs a layer is split over, one number or shape (k,).
    """
    n = np.asarray(tokens, dtype=np.float64)
    t = np.asarray(tensor_parallel, dtype=np.float64)
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
    model: LanguageModel, gpu: Gpu, efficiency: Efficiency, tokens: npt.ArrayLike, *, tensor_parallel: int = 1
) -> Floats:
    """Return the time of norms, rotary embedding, activation and additions of one layer for ``tokens``."""
    n = np.asarray(tokens, dtype=np.float64)
    moved = n * elementwise_bytes(model, tensor_parallel) / (efficiency.elementwise_bandwidth * gpu.bytes_per_s)
    return np.asarray(np.where(n > 0, moved + efficiency.elementwise_fixed_s, 0.0), dtype=np.float64)


def elementwise_bytes(model: LanguageModel, tensor_parallel: int = 1) -> float:
    """Return the bytes a token moves in the element-wise kernels of one layer."""
    split = 3 * model.experts_per_token * model.ffn + 2 * (model.query_width + model.kv_width)
    return 2.0 * (10 * model.hidden + split / tensor_parallel)
