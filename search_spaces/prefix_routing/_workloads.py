"""The workloads of the three splits: conversations from the generator, or windows of the user's Mooncake trace.

Splits differ in seed and in parameters. From the generator: rates, bursts, the skew of applications and the turns of a
conversation. From a trace: the span of the log they are cut from, which never overlaps, and the load.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import Field
from speciate.evaluators import Frozen, ProblemError, Split, Workload
from speciate.simulators.serving import (
    EFFICIENCIES,
    GPUS,
    MODELS,
    CachingReplica,
    PrefixTrace,
    ReplicaSpec,
    Trace,
    capacity,
    iteration_model,
)

from ..traces import (
    MOONCAKE_BLOCK_TOKENS,
    SHARES,
    LoggedPrefixes,
    SessionModel,
    Window,
    cut,
    generate_sessions,
    load_mooncake_jsonl,
    windows,
)

CLOCK_ORIGIN_S = (1e4, 1e6)
"""Between which the clock of a workload starts."""


class PrefixOptions(Frozen):
    """What a user may choose."""

    trace: Path | None = None
    """A Mooncake trace (JSON lines) to draw the requests from, instead of the generator."""
    requests: int = Field(default=1200, ge=200, le=100_000)
    """Requests of each workload."""
    heldout_seeds: int = Field(default=48, ge=2, le=64)


class Load(NamedTuple):
    """One arrival process: requests per second, and how bursty the starts of conversations are (1 is Poisson)."""

    rate: float
    burst: float = 1.0


class Habits(NamedTuple):
    """How people use the applications."""

    skew: float
    turns: float
    drift_s: float


LOADS: Mapping[Split, tuple[Load, ...]] = {
    "train": (Load(6.0), Load(8.0, 1.5), Load(9.5)),
    "validation": (Load(6.5), Load(8.0, 1.4), Load(9.0)),
    "heldout": (Load(5.5), Load(8.0, 1.6), Load(9.5, 1.2)),
}
"""Around the knee: a cluster that caches nothing sustains about 8 requests a second."""
HABITS: Mapping[Split, Habits] = {
    "train": Habits(skew=1.0, turns=4.0, drift_s=120.0),
    "validation": Habits(skew=0.9, turns=4.5, drift_s=100.0),
    "heldout": Habits(skew=1.1, turns=3.6, drift_s=90.0),
}
PREDICTION_SIGMA: Mapping[Split, float] = {"train": 0.6, "validation": 0.65, "heldout": 0.7}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 4), "validation": (101, 6), "heldout": (40001, 0)}
"""First seed and number of seeds; held-out's number is an option."""

TRACE_LOADS: Mapping[Split, tuple[float, ...]] = {
    "train": (0.75, 0.95, 1.1),
    "validation": (0.8, 1.0),
    "heldout": (0.75, 0.9, 1.05),
}
"""Arrival rates as shares of what the cluster sustains, for the log's lengths, if it caches nothing."""
TRACE_WINDOWS: Mapping[Split, int] = {"train": 2, "validation": 4, "heldout": 6}

CACHE_TOKENS = 100_000
"""Prefix cache of an ordinary replica: about 13 GB of host memory for the model served."""
LARGE_CACHE_TOKENS = 260_000
GPU_BYTES = 80e9


def cluster(block_tokens: int) -> tuple[CachingReplica, ...]:
    """Return four replicas of Llama-3.1-8B on A100-class GPUs: two alike, a slow one with a large cache, a fast one."""
    return tuple(
        CachingReplica(spec, tokens // block_tokens)
        for spec, tokens in zip(specs(), (CACHE_TOKENS, CACHE_TOKENS, LARGE_CACHE_TOKENS, CACHE_TOKENS), strict=True)
    )


@lru_cache(maxsize=1)
def specs() -> tuple[ReplicaSpec, ...]:
    """Return the engines of the cluster, without their caches."""
    model = MODELS["Llama-3.1-8B"]
    cost = iteration_model(model, GPUS["A100-80G"], EFFICIENCIES["A100-80G"])
    base = ReplicaSpec(cost=cost, blocks=model.kv_blocks(GPU_BYTES))
    return (base, base, base.scaled(0.5), base.scaled(2.0))


def workloads(options: PrefixOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``, seeds outermost. Raises ProblemError for an unusable trace."""
    if options.trace is not None:
        return _trace_workloads(options, options.trace, split)
    first, count = SEEDS[split]
    return tuple(
        Workload(
            name=f"{split}/{load.rate:g}rps{'-bursty' if load.burst > 1 else ''}/seed{seed}",
            split=split,
            seed=seed,
            params={"rate": load.rate, "burst": load.burst},
        )
        for seed in range(first, first + (count or options.heldout_seeds))
        for load in LOADS[split]
    )


def trace_of(options: PrefixOptions, workload: Workload) -> PrefixTrace:
    """Return the requests of ``workload``, their clock started at a time of its own."""
    if options.trace is not None:
        trace = _cut(options.trace, workload)
    else:
        habits = HABITS[workload.split]
        model = SessionModel(
            rate=float(workload.params["rate"]),
            requests=options.requests,
            burst_factor=float(workload.params["burst"]),
            skew=habits.skew,
            turns=habits.turns,
            drift_s=habits.drift_s,
            prediction_sigma=PREDICTION_SIGMA[workload.split],
        )
        trace = generate_sessions(model, workload.seed)
    origin = np.random.default_rng((workload.seed, 11)).uniform(*CLOCK_ORIGIN_S)
    return replace(trace, requests=replace(trace.requests, arrival_s=trace.requests.arrival_s + origin))


def _trace_workloads(options: PrefixOptions, path: Path, split: Split) -> tuple[Workload, ...]:
    parts = windows(path, _log(path).requests, split, count=TRACE_WINDOWS[split], size=options.requests)
    return tuple(
        Workload(
            name=f"{split}/{load:g}capacity/window{number}",
            split=split,
            seed=window.first,
            params={"load": load, "first": window.first, "requests": window.size},
        )
        for number, window in enumerate(parts)
        for load in TRACE_LOADS[split]
    )


def _cut(path: Path, workload: Workload) -> PrefixTrace:
    """Return one window of the log, its time stretched so that the mean rate is the workload's load."""
    log = _log(path)
    window = Window(int(workload.params["first"]), int(workload.params["requests"]))
    rate = float(workload.params["load"]) * _capacity(path)
    requests = cut(log.requests, window, rate=rate, sigma=PREDICTION_SIGMA[workload.split])
    span = slice(window.first, window.first + window.size)
    return PrefixTrace(requests, log.blocks[span], log.session[span], MOONCAKE_BLOCK_TOKENS)


@lru_cache(maxsize=4)
def _log(path: Path) -> LoggedPrefixes:
    """Return the log. Raises ProblemError, naming the request, where one is longer than a replica's memory."""
    log = load_mooncake_jsonl(path)
    room = min(spec.blocks * spec.block_size for spec in specs())
    tokens = log.requests.prompt_tokens + log.requests.output_tokens
    if int(tokens.max()) > room:
        raise ProblemError(
            f"trace {path}: request {int(tokens.argmax()) + 1} has {int(tokens.max())} tokens, prompt and answer; the "
            f"replicas of this problem hold {room}. Leave such requests out"
        )
    return log


@lru_cache(maxsize=4)
def _capacity(path: Path) -> float:
    """Return the requests per second the cluster sustains on the log's train lengths if it caches nothing."""
    log = _log(path).requests
    part = slice(0, min(1000, int(SHARES["train"][1] * len(log.arrival_s))))
    output = log.output_tokens[part]
    return capacity(specs(), Trace(log.arrival_s[part], log.prompt_tokens[part], output, output))
