"""The workloads of the three splits: from the generator, or from the user's trace.

Splits differ in seed and in a parameter. From the generator: rates, burstiness and the predictor's error.
From a trace: the time span of the log they are cut from, which never overlaps.
"""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from speciate.evaluators import Split, Workload
from speciate.simulators.serving import Trace, capacity

from ..traces import SHARES, LoggedRequests, StreamModel, Window, cut, generate, load_azure_csv, windows
from ._options import RouterOptions, cluster

PREDICTION_SIGMA: dict[Split, float] = {"train": 0.6, "validation": 0.65, "heldout": 0.7}
"""Error of the output-length predictor (standard deviation of its logarithm)."""

CLOCK_ORIGIN_S = (1e4, 1e6)
"""Between which the clock of a workload starts."""

TRAIN_SEEDS = (1, 2)
VALIDATION_SEEDS = tuple(range(101, 105))
FIRST_HELDOUT_SEED = 7001


class Load(NamedTuple):
    """One arrival process: requests per second, and how bursty (1 is Poisson)."""

    rate: float
    burst: float = 1.0


LOADS: dict[str, dict[Split, tuple[Load, ...]]] = {
    "mixed": {
        "train": (Load(4.4), Load(5.0, 1.5), Load(5.6)),
        "validation": (Load(4.6), Load(5.0, 1.4), Load(5.4)),
        "heldout": (Load(4.4), Load(5.0), Load(5.6), Load(5.0, 1.6)),
    },
    "equal": {
        "train": (Load(2.9), Load(3.2, 1.5), Load(3.5)),
        "validation": (Load(3.0), Load(3.2, 1.4), Load(3.4)),
        "heldout": (Load(2.9), Load(3.2), Load(3.5), Load(3.2, 1.6)),
    },
}
"""Around capacity, which the simulator's probe puts at 5.4 requests a second for ``mixed`` and 3.2 for ``equal``."""

TRACE_LOADS: dict[Split, tuple[float, ...]] = {
    "train": (0.85, 1.0, 1.1),
    "validation": (0.9, 1.05),
    "heldout": (0.85, 0.95, 1.0, 1.1),
}
"""Arrival rates as shares of the cluster's measured capacity for the log's lengths."""
TRACE_WINDOWS: dict[Split, int] = {"train": 2, "validation": 4, "heldout": 8}


def workloads(options: RouterOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``, seeds outermost. Raises ProblemError for an unusable trace."""
    if options.trace is not None:
        return _trace_workloads(options, split)
    seeds = {
        "train": TRAIN_SEEDS,
        "validation": VALIDATION_SEEDS,
        "heldout": tuple(range(FIRST_HELDOUT_SEED, FIRST_HELDOUT_SEED + options.heldout_seeds)),
    }[split]
    return tuple(
        Workload(
            name=f"{split}/{load.rate:g}rps{'-bursty' if load.burst > 1 else ''}/seed{seed}",
            split=split,
            seed=seed,
            params={"rate": load.rate, "burst": load.burst},
        )
        for seed in seeds
        for load in LOADS[options.scenario][split]
    )


def trace_of(options: RouterOptions, workload: Workload) -> Trace:
    """Return the request stream of ``workload``, its clock started at a time of its own.

    A router that sees the true time since the start can tune itself to the length of a run, which no
    router in service has: so the origin is arbitrary, and only differences of times mean anything.
    """
    trace = _stream(options, workload)
    origin = np.random.default_rng((workload.seed, 11)).uniform(*CLOCK_ORIGIN_S)
    return replace(trace, arrival_s=trace.arrival_s + origin)


def _stream(options: RouterOptions, workload: Workload) -> Trace:
    sigma = PREDICTION_SIGMA[workload.split]
    if options.trace is not None:
        return _cut(options, workload, sigma)
    return generate(
        StreamModel(
            rate=float(workload.params["rate"]),
            requests=options.requests,
            burst_factor=float(workload.params["burst"]),
            prediction_sigma=sigma,
        ),
        workload.seed,
    )


def _trace_workloads(options: RouterOptions, split: Split) -> tuple[Workload, ...]:
    assert options.trace is not None
    parts = windows(options.trace, _log(options), split, count=TRACE_WINDOWS[split], size=options.requests)
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


def _cut(options: RouterOptions, workload: Workload, sigma: float) -> Trace:
    """Return one window of the log, its time stretched so that the mean rate is the workload's load."""
    window = Window(int(workload.params["first"]), int(workload.params["requests"]))
    rate = float(workload.params["load"]) * _capacity(options)
    return cut(_log(options), window, rate=rate, sigma=sigma)


@lru_cache(maxsize=4)
def _log(options: RouterOptions) -> LoggedRequests:
    assert options.trace is not None
    return load_azure_csv(options.trace)


@lru_cache(maxsize=4)
def _capacity(options: RouterOptions) -> float:
    """Return the requests per second the cluster sustains on the log's train lengths."""
    log = _log(options)
    part = slice(0, min(2000, int(SHARES["train"][1] * len(log.arrival_s))))
    output = log.output_tokens[part]
    return capacity(cluster(options.scenario), Trace(log.arrival_s[part], log.prompt_tokens[part], output, output))
