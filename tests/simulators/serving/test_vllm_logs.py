"""Mean TTFT, TPOT and E2E against two recorded vLLM 0.19 runs, with one host constant fitted on half of each."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from serving_support import RoundRobin, VllmLog, read_log, read_profile
from serving_support.logs import MODEL, means
from speciate.simulators.serving import (
    GPUS,
    MODELS,
    ReplicaSpec,
    Result,
    calibrate,
    fit_host,
    iteration_model,
    simulate,
)

ENGINES = {"RTX4090": (2588, 256), "RTXPRO6000": (33_000, 128)}
"""KV blocks and max_num_seqs of each run. The second did not log its blocks; its memory never fills."""

TOLERANCE = 0.05

Mask = npt.NDArray[np.bool_]


@cache
def replica(folder: Path, gpu: str) -> ReplicaSpec:
    """The engine as calibrated on kernel profiles alone, without a host constant."""
    profile, head = read_profile(folder / "llmservingsim-vllm", gpu)
    fit = calibrate(MODELS[MODEL], GPUS[gpu], profile)
    blocks, sequences = ENGINES[gpu]
    cost = iteration_model(MODELS[MODEL], GPUS[gpu], fit.efficiency, head=head)
    return ReplicaSpec(cost, blocks, max_batch=sequences, chunk_tokens=2048)


@cache
def logged(folder: Path, gpu: str) -> VllmLog:
    return read_log(folder / "llmservingsim-vllm", gpu)


def run(spec: ReplicaSpec, log: VllmLog, host_s: float) -> Result:
    timed = ReplicaSpec(
        spec.cost.with_host(host_s), spec.blocks, max_batch=spec.max_batch, chunk_tokens=spec.chunk_tokens
    )
    return simulate([timed], log.trace, RoundRobin())


def simulated_means(result: Result, keep: Mask) -> dict[str, float]:
    return means(result.trace, result.first_token_s, result.finish_s, keep)


def errors(result: Result, log: VllmLog, keep: Mask) -> dict[str, float]:
    real = log.means(keep)
    return {name: value / real[name] - 1.0 for name, value in simulated_means(result, keep).items()}


def halves(log: VllmLog) -> dict[str, Mask]:
    number = np.arange(len(log.trace))
    return {"even": number % 2 == 0, "odd": number % 2 == 1, "first half": number < len(number) // 2}


@pytest.mark.parametrize("fitted_on", ["even", "odd", "first half"])
@pytest.mark.parametrize("gpu", sorted(ENGINES))
def test_means_of_the_other_half_are_within_five_per_cent(data_folder: Path, gpu: str, fitted_on: str) -> None:
    spec, log = replica(data_folder, gpu), logged(data_folder, gpu)
    keep = halves(log)[fitted_on]
    host_s = fit_host(
        lambda host_s: simulated_means(run(spec, log, host_s), keep)["tpot"], log.means(keep)["tpot"]
    )
    result = run(spec, log, host_s)
    result.check()
    within, beyond = errors(result, log, keep), errors(result, log, ~keep)
    told = f"host {1e3 * host_s:.2f} ms, in-sample {within}, out of sample {beyond}"
    assert 0 <= host_s < 0.005, told
    assert abs(within["tpot"]) < 0.005, told
    assert all(abs(error) < TOLERANCE for error in beyond.values()), told
    each = np.abs(result.latency_s / (log.finish_s - log.trace.arrival_s) - 1.0)
    assert each.mean() < TOLERANCE, told


def test_first_tokens_without_queueing_come_an_iteration_too_early(data_folder: Path) -> None:
    """A known gap: vLLM schedules one iteration ahead and hands tokens over a front end; the model does neither.

    It is 20 to 60 ms a request, which a mean over the queued ones hides: of the first 120 requests of the
    RTX PRO 6000 run, none of which queued, the mean TTFT is a third too short.
    """
    spec, log = replica(data_folder, "RTXPRO6000"), logged(data_folder, "RTXPRO6000")
    early = np.arange(len(log.trace)) < 120
    simulated, real = simulated_means(run(spec, log, 0.001), early), log.means(early)
    assert 0.02 < real["ttft"] - simulated["ttft"] < 0.06
    assert abs(simulated["tpot"] / real["tpot"] - 1.0) < TOLERANCE
    assert abs(simulated["e2e"] / real["e2e"] - 1.0) < TOLERANCE


def test_preemptions_appear_only_where_memory_is_short(data_folder: Path) -> None:
    for gpu, scarce in (("RTX4090", True), ("RTXPRO6000", False)):
        result = run(replica(data_folder, gpu), logged(data_folder, gpu), 0.0)
        assert (result.preemptions.sum() > 100) == scarce


@pytest.mark.parametrize(
    ("gpu", "limits"),
    [
        ("RTX4090", {"gemm": 0.04, "decode": 0.14, "prefill": 0.28, "elementwise": 0.18, "mixed": 0.26}),
        ("RTXPRO6000", {"gemm": 0.04, "decode": 0.09, "prefill": 0.34, "elementwise": 0.22, "mixed": 0.24}),
    ],
)
def test_profiles_are_fitted_as_well_as_stated(data_folder: Path, gpu: str, limits: dict[str, float]) -> None:
    profile, _ = read_profile(data_folder / "llmservingsim-vllm", gpu)
    fit = calibrate(MODELS[MODEL], GPUS[gpu], profile)
    assert fit.errors.keys() == limits.keys()
    for component, limit in limits.items():
        assert fit.errors[component] < limit, component
