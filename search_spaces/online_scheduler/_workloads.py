"""Jobs of heavy-tailed size, three predictors of different quality, and a load around the knee."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.queueing import Jobs

CLOCK_ORIGIN_S = (1e3, 1e5)
"""Between which the clock of a workload starts, so that no scheduler learns how long a run has lasted."""


class SchedulerOptions(Frozen):
    """What a user may choose."""

    jobs: int = Field(default=3000, ge=200, le=200_000)
    """Jobs of each workload."""
    shape: float = Field(default=0.5, gt=0.2, le=3.0)
    """Of the Weibull sizes: 1 is exponential, less has a heavier tail. Their mean is 1."""
    urgent: float = Field(default=0.2, ge=0.0, le=1.0)
    """Share of jobs of weight 5; the others have weight 1."""
    heldout_seeds: int = Field(default=32, ge=2, le=64)


URGENT_WEIGHT = 5.0

LOADS: Mapping[Split, tuple[float, ...]] = {
    "train": (0.6, 0.85),
    "validation": (0.65, 0.8),
    "heldout": (0.6, 0.75, 0.9),
}
"""Work that arrives a second, as a share of what the machine can do."""
SIGMAS: Mapping[Split, tuple[float, ...]] = {
    "train": (0.2, 0.9, 2.2),
    "validation": (0.3, 1.0, 2.0),
    "heldout": (0.15, 0.8, 2.5),
}
"""Standard deviation of the logarithm of each predictor's error; which predictor has which is drawn by seed."""
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 3), "validation": (101, 4), "heldout": (40001, 0)}
"""First seed and number of seeds; held-out's number is an option."""


@dataclass(frozen=True)
class JobModel:
    """A stream of jobs: Poisson arrivals, Weibull sizes of mean 1, log-normal errors of the predictors."""

    load: float
    jobs: int
    shape: float = 0.5
    sigmas: tuple[float, ...] = (0.2, 0.9, 2.2)
    urgent: float = 0.2


def generate(model: JobModel, seed: int) -> Jobs:
    """Return the jobs of ``seed``. Arrivals, sizes and errors each have a generator of their own."""
    arrivals, sizes, errors, kinds = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(4)
    )
    scale = 1.0 / math.gamma(1.0 + 1.0 / model.shape)
    size = np.maximum(scale * sizes.weibull(model.shape, model.jobs), 1e-6)
    predictor = kinds.integers(len(model.sigmas), size=model.jobs)
    sigma = kinds.permutation(np.array(model.sigmas))[predictor]
    arrival = np.cumsum(arrivals.exponential(1.0 / model.load, model.jobs))
    return Jobs(
        arrival_s=arrival + kinds.uniform(*CLOCK_ORIGIN_S),
        size=size,
        predicted=size * np.exp(sigma * errors.standard_normal(model.jobs)),
        predictor=predictor,
        weight=np.where(kinds.random(model.jobs) < model.urgent, URGENT_WEIGHT, 1.0),
    )


def workloads(options: SchedulerOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every load with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(name=f"{split}/load{load:g}/seed{seed}", split=split, seed=seed, params={"load": load})
        for seed in range(first, first + (count or options.heldout_seeds))
        for load in LOADS[split]
    )


def jobs_of(options: SchedulerOptions, workload: Workload) -> Jobs:
    """Return the jobs of a workload."""
    model = JobModel(
        load=float(workload.params["load"]),
        jobs=options.jobs,
        shape=options.shape,
        sigmas=SIGMAS[workload.split],
        urgent=options.urgent,
    )
    return generate(model, workload.seed)
