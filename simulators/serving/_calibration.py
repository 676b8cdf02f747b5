"""Fit the iteration model to kernel profiles: arrays in, efficiencies and their errors out.

Components are fitted to their own measurements, never to the totals of one deployment: there the weights'
bytes and the fixed costs are collinear and the fit lands on values no GPU has.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ._arrays import Floats, Ints
from ._efficiency import Efficiency, elementwise_bytes, gemm_seconds
from ._errors import CalibrationError
from ._hardware import Gpu
from ._iteration import IterationModel
from ._models import LanguageModel

LARGEST_EFFICIENCY = 1.05
"""Share of a peak above which a fit is refused: the data sheet, the model or the profile must be wrong."""

_STARTS = ((0.7, 0.8, 20e-6, 2.0), (0.9, 0.9, 5e-6, 1.4), (0.6, 0.7, 10e-6, 4.0))
"""(compute, bandwidth, fixed_s, blend) from which the search for the matrix products starts."""


@dataclass(frozen=True)
class KernelProfile:
    """Measured kernels of one layer, all times in seconds; arrays of one group have one shape (n,)."""

    gemm_tokens: Floats
    gemm_s: Floats
    """The matrix products of a layer together."""
    elementwise_tokens: Floats
    elementwise_s: Floats
    """Norms, rotary embedding and activation of a layer together."""
    decode_context: Floats
    """Tokens attended to by all the decoding requests together."""
    decode_s: Floats
    prefill_chunk: Floats
    prefill_past: Floats
    """Tokens of the prompt computed before the chunk."""
    prefill_s: Floats
    mixed_context: Floats
    """As ``decode_context``, in kernels that also compute a chunk."""
    mixed_chunk: Floats
    mixed_past: Floats
    mixed_s: Floats
    gemm_tensor_parallel: Ints | None = None
    """GPUs the layer was split over, for each point of ``gemm_s``; None: as the rest of the profile. With one
    degree alone, bandwidth and fixed cost can hardly be told apart."""


@dataclass(frozen=True)
class Calibration:
    """A fit and how far it is from its data: mean absolute relative errors, by component."""

    efficiency: Efficiency
    errors: dict[str, float]


@dataclass(frozen=True)
class EngineProfile:
    """Measured components of an engine's iterations, each over all its layers; all times in seconds.

    For an engine whose device has no data sheet to be a share of. Arrays of one group have one shape (n,).
    """

    tokens: Floats
    tokens_s: Floats
    """All that depends on the number of tokens only."""
    sequences: Floats
    head_s: Floats
    """Language-model head and the choice of a word."""
    decode_context: Floats
    decode_s: Floats
    """Attention of decoding requests, by the tokens they attend to together."""
    prefill_pairs: Floats
    prefill_s: Floats
    """Attention of a chunk, by its (query, key) pairs."""


@dataclass(frozen=True)
class MeasuredIterations:
    """An iteration model from an engine's own profile, and how far it is from it, as in ``Calibration``."""

    model: IterationModel
    errors: dict[str, float]


def calibrate(
    model: LanguageModel, gpu: Gpu, profile: KernelProfile, *, tensor_parallel: int = 1
) -> Calibration:
    """Return the efficiencies that fit ``profile``.

    Raises:
        CalibrationError: a group has too few points or bad ones, or a fit lies above what the GPU can do.
    """
    t = tensor_parallel
    degrees = t if profile.gemm_tensor_parallel is None else profile.gemm_tensor_parallel
    *gemm, gemm_error = fit_gemm(model, gpu, profile.gemm_tokens, profile.gemm_s, tensor_parallel=degrees)
    element, element_error = _fit_line(
        "elementwise", profile.elementwise_s, profile.elementwise_tokens * elementwise_bytes(model, t)
    )
    kv_bytes, pair_flops = 4.0 * model.kv_width / t, 4.0 * model.query_width / t
    decode, decode_error = _fit_line("decode attention", profile.decode_s, kv_bytes * profile.decode_context)
    pairs = profile.prefill_chunk * (profile.prefill_past + 0.5 * profile.prefill_chunk)
    prefill, prefill_error = _fit_line("prefill attention", profile.prefill_s, pair_flops * pairs)
    mixed_pairs = profile.mixed_chunk * (profile.mixed_past + 0.5 * profile.mixed_chunk)
    mixed, mixed_error = _fit_line(
        "mixed attention", profile.mixed_s, kv_bytes * profile.mixed_context, pair_flops * mixed_pairs
    )
    decode_bandwidth = 1.0 / (decode[0] * gpu.bytes_per_s)
    efficiency = replace(
        _gemm_only(*gemm),
        elementwise_bandwidth=1.0 / (element[0] * gpu.bytes_per_s),
        elementwise_fixed_s=element[-1],
        decode_bandwidth=_plausible("decode attention bandwidth", decode_bandwidth),
        mixed_bandwidth=min(decode_bandwidth, 1.0 / (mixed[0] * gpu.bytes_per_s)),
        prefill_compute=_plausible("prefill attention compute", 1.0 / (prefill[0] * gpu.flops)),
        attention_fixed_s=decode[-1],
    )
    errors = {
        "gemm": gemm_error,
        "elementwise": element_error,
        "decode": decode_error,
        "prefill": prefill_error,
        "mixed": mixed_error,
    }
    return Calibration(efficiency, errors)


def measured_iterations(profile: EngineProfile, *, max_tokens: int, max_sequences: int) -> MeasuredIterations:
    """Return the iteration model that fits ``profile``.

    Tokens and sequences become tables, interpolated between their points and on beyond the last one by its slope,
    smoothed so that more work never takes less time; attention is fitted as a line. Decode attention beside prompts
    is taken as fast as alone.

    Args:
        profile: what was measured.
        max_tokens: tokens an iteration may hold.
        max_sequences: requests it may hold.

    Raises:
        CalibrationError: a group has too few points or bad ones, or its time does not grow with the work.
    """
    token_s, tokens_error = _table("tokens", profile.tokens, profile.tokens_s, max_tokens)
    head_s, head_error = _table("head", profile.sequences, profile.head_s, max_sequences)
    decode, decode_error = _fit_line("decode attention", profile.decode_s, profile.decode_context)
    prefill, prefill_error = _fit_line("prefill attention", profile.prefill_s, profile.prefill_pairs)
    model = IterationModel(
        token_s=token_s,
        head_s=head_s,
        context_s=decode[0],
        decode_fixed_s=decode[-1],
        pair_s=prefill[0],
        prefill_fixed_s=prefill[-1],
        mixed_context_s=decode[0],
    )
    return MeasuredIterations(
        model, {"tokens": tokens_error, "head": head_error, "decode": decode_error, "prefill": prefill_error}
    )


def fit_host(mean_tpot_s: Callable[[float], float], target_s: float, *, largest_s: float = 0.05) -> float:
    """Return the host seconds an iteration for which a simulated run has the logged mean time per output token.

    Args:
        mean_tpot_s: runs the logged requests with a host constant (s) and returns the mean TPOT (s) of those
            fitted on; must not fall with the constant.
        target_s: the logged mean TPOT (s) of the same requests.
        largest_s: upper end of the search.

    Returns:
        The constant, within 1 us; 0 where the GPU time alone already reaches the target.

    Raises:
        CalibrationError: even ``largest_s`` stays below the target.
    """
    low, high = 0.0, largest_s
    if mean_tpot_s(low) >= target_s:
        return 0.0
    if mean_tpot_s(high) < target_s:
        raise CalibrationError(
            f"a host constant <= {largest_s} s must explain the log, but the mean TPOT {target_s} s is above that; "
            "check that the log and the profile are of one GPU and one model"
        )
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        if mean_tpot_s(middle) < target_s:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def fit_gemm(
    model: LanguageModel,
    gpu: Gpu,
    tokens: npt.ArrayLike,
    seconds: npt.ArrayLike,
    *,
    tensor_parallel: npt.ArrayLike = 1,
) -> tuple[float, float, float, float, float]:
    """Return (compute, bandwidth, fixed_s, blend, error) that fit the matrix products of one layer.

    Minimises the mean of |log(predicted / measured)|, by Nelder-Mead from three starts.

    Args:
        model, gpu: what was measured, and where.
        tokens: token counts, shape (n,), n >= 8; spread them over the logarithm of the range used.
        seconds: times, shape (n,).
        tensor_parallel: GPUs the layer was split over, one number or shape (n,).

    Raises:
        CalibrationError: too few points, a non-positive one, or a share of a peak above 1.05.
    """
    from scipy.optimize import minimize

    n, measured = _points("gemm", tokens, seconds, least=8)

    def predicted(x: Floats) -> Floats:
        shares = np.exp(x[:3])
        efficiency = _gemm_only(float(shares[0]), float(shares[1]), float(shares[2]), 1.0 + float(np.exp(x[3])))
        return gemm_seconds(model, gpu, efficiency, n, tensor_parallel=tensor_parallel)

    def misfit(x: Floats) -> float:
        return float(np.mean(np.abs(np.log(predicted(x) / measured))))

    fits = [
        minimize(
            misfit,
            np.log([compute, bandwidth, fixed_s, blend - 1.0]),
            method="Nelder-Mead",
            options={"maxiter": 4000, "xatol": 1e-5, "fatol": 1e-7},
        )
        for compute, bandwidth, fixed_s, blend in _STARTS
    ]
    best = min(fits, key=lambda fit: float(fit.fun)).x
    error = float(np.mean(np.abs(predicted(best) / measured - 1.0)))
    compute, bandwidth, fixed_s = (float(value) for value in np.exp(best[:3]))
    _plausible("gemm compute", compute)
    _plausible("gemm bandwidth", bandwidth)
    return compute, bandwidth, fixed_s, 1.0 + float(np.exp(best[3])), error


def _gemm_only(compute: float, bandwidth: float, fixed_s: float, blend: float) -> Efficiency:
    return Efficiency(
        compute=compute,
        bandwidth=bandwidth,
        fixed_s=fixed_s,
        blend=blend,
        decode_bandwidth=1.0,
        mixed_bandwidth=1.0,
        prefill_compute=1.0,
        attention_fixed_s=0.0,
    )


def _fit_line(name: str, seconds: Floats, *work: Floats) -> tuple[list[float], float]:
    """Return the coefficients of ``work`` and the constant that fit ``seconds``, and the error: relative least squares.

    A constant below 0 is set to 0 and the rest fitted again.
    """
    columns = [*(np.asarray(column, dtype=np.float64) for column in work), np.ones(len(seconds))]
    _, measured = _points(name, columns[0], seconds, least=2 * len(columns))
    coefficients = _relative_least_squares(columns, measured)
    if coefficients[-1] < 0:
        coefficients = np.append(_relative_least_squares(columns[:-1], measured), 0.0)
    if np.any(coefficients[:-1] <= 0):
        raise CalibrationError(
            f"{name}: the time must grow with the work, got coefficients {coefficients.tolist()}; check the columns "
            "and their units (seconds, tokens)"
        )
    predicted = np.column_stack(columns) @ coefficients
    return coefficients.tolist(), float(np.mean(np.abs(predicted / measured - 1.0)))


def _table(name: str, work: Floats, seconds: Floats, largest: int) -> tuple[tuple[float, ...], float]:
    """Return seconds for 0, 1, ..., ``largest``, and the error at the points: none but what smoothing made."""
    x, y = _points(name, work, seconds, least=3)
    order = np.argsort(x)
    x, smooth = x[order], _never_falling(y[order])
    n = np.arange(largest + 1, dtype=np.float64)
    slope = (smooth[-1] - smooth[0]) / (x[-1] - x[0])
    table = np.interp(n, x, smooth) + np.maximum(n - x[-1], 0.0) * slope
    table[0] = 0.0
    return tuple(table.tolist()), float(np.mean(np.abs(smooth / y[order] - 1.0)))


def _never_falling(values: Floats) -> Floats:
    """Return the non-decreasing sequence nearest to ``values`` by squares: neighbours that fall are averaged."""
    groups: list[tuple[float, int]] = []
    for value in values.tolist():
        mean, count = value, 1
        while groups and groups[-1][0] > mean:
            before, members = groups.pop()
            mean, count = (mean * count + before * members) / (count + members), count + members
        groups.append((mean, count))
    return np.repeat([mean for mean, _ in groups], [count for _, count in groups])


def _relative_least_squares(columns: list[Floats], measured: Floats) -> Floats:
    matrix = np.column_stack(columns) / measured[:, None]
    solution = np.linalg.lstsq(matrix, np.ones(len(measured)), rcond=None)[0]
    return np.asarray(solution, dtype=np.float64)


def _points(name: str, work: npt.ArrayLike, seconds: npt.ArrayLike, *, least: int) -> tuple[Floats, Floats]:
    x = np.asarray(work, dtype=np.float64)
    y = np.asarray(seconds, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or len(x) < least:
        raise CalibrationError(
            f"{name}: needs >= {least} points in arrays of one shape (n,), got {x.shape} and {y.shape}"
        )
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y)) and np.all(y > 0) and np.all(x >= 0)):
        raise CalibrationError(f"{name}: times must be finite and > 0 and work >= 0")
    return x, y


def _plausible(name: str, share: float) -> float:
    if share > LARGEST_EFFICIENCY:
        raise CalibrationError(
            f"{name}: share of the peak <= {LARGEST_EFFICIENCY} must hold, got {share:.3f}; check the GPU's peak "
            "rates, the model's sizes and the unit of the times (seconds); matrix products measured at one "
            "tensor-parallel degree alone may need a second degree to tell bandwidth from fixed cost"
        )
    return share
