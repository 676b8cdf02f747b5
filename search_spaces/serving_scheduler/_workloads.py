"""The workloads of the three splits: from the generator, or from the user's trace.

Splits differ in seed, load, burstiness, share of documents, speed of the link to the host and error of the
predictor. From a trace they differ in the part of the log that they are cut from too; its classes are drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.serving import HostMemory, Promises, Server, Trace, a10_replica, capacity

from ..traces import SHARES, LoggedRequests, StreamModel, Window, cut, load_azure_csv, windows
from ._streams import mixed_stream, promises_of, which_are_documents

CLOCK_ORIGIN_S = (1e4, 1e5)
"""Between which the clock of a workload starts, so that no scheduler learns how long a run has lasted."""
HOST_BLOCKS = 1000
"""Of the host's memory; the engine has 2,756."""


class SchedulerOptions(Frozen):
    """What a user may choose."""

    requests: int = Field(default=650, ge=100, le=20_000)
    """Requests of each workload."""
    trace: Path | None = None
    """An Azure LLM CSV to draw the requests from, instead of the generator."""
    heldout_seeds: int = Field(default=32, ge=2, le=64)
    real_seconds: float = Field(default=15.0, ge=1.0, le=600.0)
    """Of arrivals in each stream of a real run, wall time."""


class Load(NamedTuple):
    """One arrival process and one link to the host."""

    share: float
    """Of the engine's capacity, first come first served."""
    burst: float
    """1 is Poisson."""
    block_s: float
    """Seconds to copy a block one way. Computing its 16 tokens again takes about 0.0027."""


LOADS: Mapping[Split, tuple[Load, ...]] = {
    "train": (Load(0.65, 1.6, 0.0025), Load(0.85, 1.4, 0.0003), Load(1.05, 1.0, 0.001)),
    "validation": (Load(0.75, 1.5, 0.0003), Load(0.95, 1.2, 0.002)),
    "heldout": (Load(0.6, 1.7, 0.0004), Load(0.8, 1.5, 0.003), Load(0.95, 1.3, 0.0004), Load(1.1, 1.1, 0.0015)),
}
DOCUMENTS: Mapping[Split, float] = {"train": 0.3, "validation": 0.35, "heldout": 0.25}
"""Share of documents, on average."""
SIGMAS: Mapping[Split, float] = {"train": 0.6, "validation": 0.65, "heldout": 0.7}
"""Error of the output-length predictor (standard deviation of its logarithm)."""
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 2), "validation": (101, 4), "heldout": (30001, 0)}
"""First seed and number of seeds; held-out's number is an option."""
TRACE_WINDOWS: Mapping[Split, int] = {"train": 2, "validation": 4, "heldout": 6}
"""A log is no longer for there being more seeds: more windows would be shorter ones."""


@dataclass(frozen=True)
class Case:
    """What a workload stands for."""

    server: Server
    trace: Trace
    promises: Promises
    documents: NDArray[np.bool_]
    """Which requests are documents, shape (n,)."""


def workloads(options: SchedulerOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``, seeds outermost. Raises ProblemError for an unusable trace."""
    first, count = SEEDS[split]
    parts = [(seed, options.requests) for seed in range(first, first + (count or options.heldout_seeds))]
    name = "seed"
    if options.trace is not None:
        log = load_azure(options.trace)
        parts = list(windows(options.trace, log, split, count=TRACE_WINDOWS[split], size=options.requests))
        name = "from"
    return tuple(
        Workload(
            name=f"{split}/load{load.share:g}/{name}{seed}",
            split=split,
            seed=seed,
            params={"load": load.share, "burst": load.burst, "block_s": load.block_s, "requests": size},
        )
        for seed, size in parts
        for load in LOADS[split]
    )


def case_of(options: SchedulerOptions, workload: Workload) -> Case:
    """Return what ``workload`` stands for, its clock started at a time of its own."""
    stream = _generated if options.trace is None else _logged
    trace, documents = stream(options, workload)
    origin = np.random.default_rng((workload.seed, 11)).uniform(*CLOCK_ORIGIN_S)
    host = HostMemory(HOST_BLOCKS, float(workload.params["block_s"]))
    trace = replace(trace, arrival_s=trace.arrival_s + origin)
    return Case(Server(a10_replica(), host), trace, promises_of(documents), documents)


def _generated(options: SchedulerOptions, workload: Workload) -> tuple[Trace, NDArray[np.bool_]]:
    share = DOCUMENTS[workload.split]
    model = StreamModel(
        rate=float(workload.params["load"]) * _generators_capacity(share),
        requests=options.requests,
        burst_factor=float(workload.params["burst"]),
        prediction_sigma=SIGMAS[workload.split],
    )
    return mixed_stream(model, share, workload.seed)


def _logged(options: SchedulerOptions, workload: Workload) -> tuple[Trace, NDArray[np.bool_]]:
    assert options.trace is not None
    rate = float(workload.params["load"]) * _logs_capacity(options.trace)
    window = Window(workload.seed, int(workload.params["requests"]))
    trace = cut(load_azure(options.trace), window, rate=rate, sigma=SIGMAS[workload.split])
    draw = np.random.default_rng((workload.seed, 23))
    return trace, which_are_documents(trace.arrival_s, DOCUMENTS[workload.split], draw)


@lru_cache(maxsize=4)
def _generators_capacity(share: float) -> float:
    """Return the requests a second the engine sustains with ``share`` of documents."""
    return capacity([a10_replica()], mixed_stream(StreamModel(rate=1.0, requests=1500), share, seed=77)[0])


@lru_cache(maxsize=2)
def load_azure(path: Path) -> LoggedRequests:
    """Return the requests of a log, read once."""
    return load_azure_csv(path)


@lru_cache(maxsize=2)
def _logs_capacity(path: Path) -> float:
    """Return the requests a second the engine sustains on the lengths of the log's train part."""
    log = load_azure(path)
    part = slice(0, min(1500, int(SHARES["train"][1] * len(log.arrival_s))))
    output = log.output_tokens[part]
    return capacity([a10_replica()], Trace(log.arrival_s[part], log.prompt_tokens[part], output, output))
