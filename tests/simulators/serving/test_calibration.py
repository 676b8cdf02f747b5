"""Calibration finds the efficiencies profiles were made with, and refuses what no device can do."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from speciate.simulators.serving import (
    EFFICIENCIES,
    GPUS,
    MODELS,
    CalibrationError,
    EngineProfile,
    Gpu,
    KernelProfile,
    calibrate,
    elementwise_seconds,
    fit_gemm,
    fit_host,
    gemm_seconds,
    measured_iterations,
)

MODEL = MODELS["Llama-3.1-8B"]
GPU = GPUS["A100-80G"]
TRUTH = replace(EFFICIENCIES["A100-80G"], mixed_bandwidth=0.4)

Floats = npt.NDArray[np.float64]


def profile(gpu: Gpu = GPU, *, noise: float = 0.0) -> KernelProfile:
    """What a profiler of ``gpu`` would have measured, had it ``TRUTH``."""
    draw = np.random.default_rng(1)

    def measured(seconds: Floats) -> Floats:
        return seconds * np.exp(draw.normal(0.0, noise, len(seconds)))

    once = np.unique(np.geomspace(1, 4096, 60).astype(int)).astype(float)
    tokens, degrees = np.tile(once, 3), np.repeat([1, 2, 4], len(once))
    context = np.geomspace(16, 400_000, 50)
    chunk, past = (axis.ravel() for axis in np.meshgrid([64.0, 256, 1024, 2048], [0.0, 512, 2048, 8192]))
    pairs = chunk * (past + chunk / 2)
    fixed, kv = TRUTH.attention_fixed_s, 4.0 * MODEL.kv_width / gpu.bytes_per_s
    flops = 4.0 * MODEL.query_width / gpu.flops / TRUTH.prefill_compute
    beside = np.geomspace(1e3, 1e5, len(chunk))
    return KernelProfile(
        gemm_tokens=tokens,
        gemm_s=measured(gemm_seconds(MODEL, gpu, TRUTH, tokens, tensor_parallel=degrees)),
        gemm_tensor_parallel=degrees,
        elementwise_tokens=once,
        elementwise_s=measured(elementwise_seconds(MODEL, gpu, TRUTH, once)),
        decode_context=context,
        decode_s=measured(kv * context / TRUTH.decode_bandwidth + fixed),
        prefill_chunk=chunk,
        prefill_past=past,
        prefill_s=measured(flops * pairs + fixed),
        mixed_context=beside,
        mixed_chunk=chunk,
        mixed_past=past,
        mixed_s=measured(flops * pairs + kv * beside / TRUTH.mixed_bandwidth + fixed),
    )


def test_finds_the_efficiencies_of_an_exact_profile() -> None:
    fit = calibrate(MODEL, GPU, profile())
    for name in ("compute", "bandwidth", "fixed_s", "blend", "decode_bandwidth", "mixed_bandwidth"):
        assert getattr(fit.efficiency, name) == pytest.approx(getattr(TRUTH, name), rel=0.02), name
    for name in ("attention_fixed_s", "elementwise_bandwidth", "elementwise_fixed_s", "prefill_compute"):
        assert getattr(fit.efficiency, name) == pytest.approx(getattr(TRUTH, name), rel=0.02), name
    assert max(fit.errors.values()) < 1e-3


def test_finds_them_through_noise_and_says_how_large_it_is() -> None:
    fit = calibrate(MODEL, GPU, profile(noise=0.05))
    assert fit.efficiency.compute == pytest.approx(TRUTH.compute, rel=0.08)
    assert fit.efficiency.bandwidth == pytest.approx(TRUTH.bandwidth, rel=0.08)
    assert fit.efficiency.decode_bandwidth == pytest.approx(TRUTH.decode_bandwidth, rel=0.08)
    assert all(0.02 < error < 0.08 for error in fit.errors.values()), fit.errors


def test_a_fit_predicts_points_it_was_not_given() -> None:
    whole = profile(noise=0.03)
    degrees = whole.gemm_tensor_parallel
    assert degrees is not None
    *gemm, _ = fit_gemm(
        MODEL, GPU, whole.gemm_tokens[::2], whole.gemm_s[::2], tensor_parallel=degrees[::2]
    )
    compute, bandwidth, fixed_s, blend = gemm
    fitted = replace(TRUTH, compute=compute, bandwidth=bandwidth, fixed_s=fixed_s, blend=blend)
    predicted = gemm_seconds(MODEL, GPU, fitted, whole.gemm_tokens[1::2], tensor_parallel=degrees[1::2])
    assert np.abs(predicted / whole.gemm_s[1::2] - 1).mean() < 0.05


def test_refuses_efficiencies_above_what_the_gpu_can_do() -> None:
    slower = GPU._replace(flops=GPU.flops / 2)
    with pytest.raises(CalibrationError, match=r"gemm compute: share of the peak <= 1\.05 must hold, got 1\."):
        calibrate(MODEL, slower, profile())
    narrow = GPU._replace(bytes_per_s=GPU.bytes_per_s / 2)
    with pytest.raises(CalibrationError, match=r"gemm bandwidth: share of the peak <= 1\.05 must hold, got 1\."):
        calibrate(MODEL, narrow, profile())


def test_refuses_too_few_points_bad_ones_and_time_that_falls_with_work() -> None:
    good = profile()
    with pytest.raises(CalibrationError, match="gemm: needs >= 8 points"):
        fit_gemm(MODEL, GPU, good.gemm_tokens[:5], good.gemm_s[:5])
    with pytest.raises(CalibrationError, match=r"decode attention: needs >= 4 points .* got \(50,\) and \(49,\)"):
        calibrate(MODEL, GPU, replace(good, decode_s=good.decode_s[1:]))
    with pytest.raises(CalibrationError, match="prefill attention: times must be finite and > 0"):
        calibrate(MODEL, GPU, replace(good, prefill_s=0.0 * good.prefill_s))
    with pytest.raises(CalibrationError, match="decode attention: the time must grow with the work"):
        calibrate(MODEL, GPU, replace(good, decode_s=good.decode_s[::-1]))


def test_the_host_constant_is_where_the_simulated_mean_meets_the_logged_one() -> None:
    assert fit_host(lambda host_s: 0.02 + 1.5 * host_s, 0.026) == pytest.approx(0.004, abs=1e-6)
    assert fit_host(lambda host_s: 0.03 + host_s, 0.026) == 0.0
    with pytest.raises(CalibrationError, match=r"host constant <= 0\.05 s must explain the log"):
        fit_host(lambda host_s: 0.02 + host_s, 0.2)


def engine_profile(*, noise: float = 0.0) -> EngineProfile:
    """What an engine would have measured of itself that takes 1 ms and 20 us a token, and so on."""
    draw = np.random.default_rng(2)

    def measured(seconds: Floats) -> Floats:
        return seconds * np.exp(draw.normal(0.0, noise, len(seconds)))

    tokens, sequences = 2.0 ** np.arange(8), 2.0 ** np.arange(6)
    context, pairs = np.geomspace(16, 5000, 12), np.geomspace(100, 20_000, 10)
    return EngineProfile(
        tokens=tokens,
        tokens_s=measured(1e-3 + 2e-5 * tokens),
        sequences=sequences,
        head_s=measured(3e-4 + 1e-5 * sequences),
        decode_context=context,
        decode_s=measured(5e-4 + 2e-6 * context),
        prefill_pairs=pairs,
        prefill_s=measured(4e-4 + 3e-7 * pairs),
    )


def test_an_engines_own_profile_gives_the_iterations_it_was_made_with() -> None:
    found = measured_iterations(engine_profile(), max_tokens=200, max_sequences=32)

    model = found.model
    assert model.token_s[0] == 0.0
    assert model.token_s[100] == pytest.approx(1e-3 + 2e-5 * 100)
    assert model.token_s[200] == pytest.approx(1e-3 + 2e-5 * 200)  # beyond what was measured
    assert model.decode_s(8, 1000.0) == pytest.approx(1e-3 + 1.6e-4 + 3e-4 + 8e-5 + 5e-4 + 2e-3)
    assert (model.pair_s, model.prefill_fixed_s) == pytest.approx((3e-7, 4e-4))
    assert model.mixed_context_s == model.context_s
    assert max(found.errors.values()) < 1e-9


def test_a_noisy_engine_profile_is_smoothed_so_that_more_work_takes_no_less() -> None:
    found = measured_iterations(engine_profile(noise=0.2), max_tokens=128, max_sequences=32)
    assert np.all(np.diff(found.model.token_s) >= 0)
    assert found.model.decode_s(8, 1000.0) == pytest.approx(4.04e-3, rel=0.25)
    assert 0.0 < found.errors["tokens"] < 0.3


def test_an_engine_profile_whose_time_falls_with_the_work_is_refused() -> None:
    wrong = replace(engine_profile(), decode_s=engine_profile().decode_s[::-1])
    with pytest.raises(CalibrationError, match="decode attention: the time must grow with the work"):
        measured_iterations(wrong, max_tokens=128, max_sequences=32)
    short = replace(engine_profile(), tokens=np.array([1.0]), tokens_s=np.array([1.0]))
    with pytest.raises(CalibrationError, match="tokens: needs >= 3 points"):
        measured_iterations(short, max_tokens=128, max_sequences=32)
