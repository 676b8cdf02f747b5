"""Two kinds of requests whose mix changes, objectives tight and loose, and the replicas that serve them.

Splits differ in seed and in parameters: rates, the objective for later tokens, and how long a mix lasts.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.serving import (
    EFFICIENCIES,
    GPUS,
    MODELS,
    Fabric,
    ReplicaSpec,
    Trace,
    iteration_model,
)

from ..traces import Lengths, StreamModel, arrivals, predict

CLOCK_ORIGIN_S = (1e4, 1e6)
"""Between which the clock of a workload starts."""


class DisaggregationOptions(Frozen):
    """What a user may choose."""

    requests: int = Field(default=1000, ge=100, le=100_000)
    """Requests of each workload."""
    across_gb_per_s: float = Field(default=6.0, gt=0.0, le=1000.0)
    """Of the network between nodes, gigabytes a second for each replica."""
    heldout_seeds: int = Field(default=32, ge=2, le=64)


class Load(NamedTuple):
    """One workload's rate (requests a second) and objective for the tokens after the first (s)."""

    rate: float
    tpot_slo_s: float


class Kind(NamedTuple):
    """Lengths of one kind of request."""

    prompt: Lengths
    output: Lengths


CHAT = Kind(Lengths(median=700.0, sigma=0.9, longest=8192), Lengths(median=260.0, sigma=0.7, longest=1500))
CODE = Kind(Lengths(median=2600.0, sigma=0.7, longest=8192), Lengths(median=40.0, sigma=0.8, longest=400))
CODE_SHARES = (0.15, 0.75)
"""Share of CODE requests in the two mixes that alternate."""

LOADS: Mapping[Split, tuple[Load, ...]] = {
    "train": (Load(7.5, 0.032), Load(10.5, 0.042), Load(13.5, 0.075)),
    "validation": (Load(8.0, 0.034), Load(10.0, 0.045), Load(13.0, 0.07)),
    "heldout": (Load(7.0, 0.031), Load(10.0, 0.038), Load(14.0, 0.085)),
}
MIX_S: Mapping[Split, float] = {"train": 8.0, "validation": 10.0, "heldout": 6.0}
"""Mean time for which a mix lasts, exponential."""
PREDICTION_SIGMA: Mapping[Split, float] = {"train": 0.6, "validation": 0.65, "heldout": 0.7}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 3), "validation": (101, 4), "heldout": (30001, 0)}
"""First seed and number of seeds; held-out's number is an option."""
TTFT_SLO_S = 1.0
FORECAST_SIGMA = 0.1
BURST = 1.2
GPUS_EACH = 2
"""GPUS of a replica: tensor parallelism."""
NODES = (0, 0, 1, 1, 2, 2)
"""Of the replicas. Those of node 0 are H100s, the others A100s."""


class Forecast(NamedTuple):
    """What a planner is told before the first request."""

    rate: float
    prompt_tokens: float
    output_tokens: float


@lru_cache(maxsize=1)
def specs() -> tuple[ReplicaSpec, ...]:
    """Return the replicas: Qwen2.5-32B on two pairs of H100s and four of A100s."""
    fast, plain = (_pair(name) for name in ("H100", "A100-80G"))
    return tuple(plain if node else fast for node in NODES)


def _pair(gpu: str) -> ReplicaSpec:
    model, device = MODELS["Qwen2.5-32B"], GPUS[gpu]
    cost = iteration_model(model, device, EFFICIENCIES[gpu], tensor_parallel=GPUS_EACH)
    room = 0.9 * GPUS_EACH * device.memory_bytes - model.weight_bytes - GPUS_EACH * 1.25e9
    return ReplicaSpec(cost=cost, blocks=int(room // (16 * model.kv_bytes_per_token)))


def fabric(options: DisaggregationOptions) -> Fabric:
    """Return how KV cache travels: by NVLink within a node, by the network between nodes."""
    kv_bytes = float(MODELS["Qwen2.5-32B"].kv_bytes_per_token)
    return Fabric(kv_bytes, GPUS["A100-80G"].link_bytes_per_s, options.across_gb_per_s * 1e9)


def workloads(options: DisaggregationOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every load with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(
            name=f"{split}/{load.rate:g}rps-{1000 * load.tpot_slo_s:g}ms/seed{seed}",
            split=split,
            seed=seed,
            params={"rate": load.rate, "tpot_slo_s": load.tpot_slo_s},
        )
        for seed in range(first, first + (count or options.heldout_seeds))
        for load in LOADS[split]
    )


def trace_of(options: DisaggregationOptions, workload: Workload) -> tuple[Trace, Forecast]:
    """Return the requests of a workload and what a planner is told of them."""
    at, lengths, errors, others = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(workload.seed).spawn(4)
    )
    rate, n = float(workload.params["rate"]), options.requests
    arrival = arrivals(StreamModel(rate=rate, requests=n, burst_factor=BURST, burst_s=MIX_S[workload.split]), at)
    code = others.random(n) < _code_share(arrival, MIX_S[workload.split], others)
    prompt, output = (
        np.where(code, getattr(CODE, what).draw(n, lengths), getattr(CHAT, what).draw(n, lengths))
        for what in ("prompt", "output")
    )
    sigma = PREDICTION_SIGMA[workload.split]
    trace = Trace(
        arrival + others.uniform(*CLOCK_ORIGIN_S), prompt, output, predict(output, sigma, CHAT.output.longest, errors)
    )
    off = np.exp(FORECAST_SIGMA * others.standard_normal(3))
    return trace, Forecast(*(float(mean) for mean in off * (rate, prompt.mean(), output.mean())))


def _code_share(arrival: NDArray[np.float64], mix_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the share of CODE at each arrival: two mixes in turn, the first one drawn."""
    periods = int(3 * arrival[-1] / mix_s) + 16
    ends = np.cumsum(rng.exponential(mix_s, periods))
    place = np.searchsorted(ends, arrival) + rng.integers(2)
    return np.asarray(np.array(CODE_SHARES)[place % 2])


def harmonic(times_s: tuple[float, ...]) -> float:
    """Return the time of one token if all replicas shared it (s)."""
    return 1.0 / math.fsum(1.0 / time for time in times_s)
