"""Tides, changing levels and surges, on a fleet of equal replicas that take a while to start.

Splits differ in seed, in the shape of the rate, in the time that a start takes and in the predictor's error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.serving import FleetSpec, ReplicaSpec, Trace, a10_replica

from ..traces import Lengths, predict
from ._streams import RateModel, arrivals

PROMPT, OUTPUT = Lengths(400.0, 1.0, 8192), Lengths(280.0, 0.9, 4096)
FIRST_S, TOKEN_S = 2.0, 0.08
"""Promised to the first token, and for each."""
MOST = 12
"""Replicas."""
CLOCK_ORIGIN_S = (1e4, 1e5)
"""Between which the clock of a workload starts, so that no scaler learns how long a run has lasted."""


class AutoscalerOptions(Frozen):
    """What a user may choose."""

    seconds: float = Field(default=1300.0, ge=300.0, le=100_000.0)
    """That requests arrive for, in each workload."""
    rate: float = Field(default=2.4, gt=0.0, le=6.0)
    """Requests a second, before levels and surges; a replica sustains about one."""
    heldout_seeds: int = Field(default=48, ge=2, le=64)


class Shape(NamedTuple):
    """The shape of a rate, relative to its mean, and the time a start takes."""

    name: str
    start_s: float
    swing: float = 0.0
    level_sigma: float = 0.0
    surge: float = 1.0


SHAPES: Mapping[Split, tuple[Shape, ...]] = {
    "train": (
        Shape("tide", 90.0, swing=0.8),
        Shape("levels", 60.0, swing=0.2, level_sigma=0.5),
        Shape("surges", 45.0, swing=0.4, surge=2.5),
    ),
    "validation": (
        Shape("tide", 75.0, swing=0.7, level_sigma=0.2),
        Shape("surges", 60.0, swing=0.3, level_sigma=0.2, surge=2.2),
    ),
    "heldout": (
        Shape("tide", 120.0, swing=0.75, level_sigma=0.1),
        Shape("levels", 75.0, swing=0.3, level_sigma=0.55),
        Shape("surges", 30.0, swing=0.5, surge=2.8),
        Shape("calm", 90.0, swing=0.1),
    ),
}
SIGMAS: Mapping[Split, float] = {"train": 0.6, "validation": 0.65, "heldout": 0.7}
"""Error of the output-length predictor (standard deviation of its logarithm)."""
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 4), "validation": (101, 4), "heldout": (40001, 0)}
"""First seed and number of seeds; held-out's number is an option."""


@dataclass(frozen=True)
class Case:
    """What a workload stands for."""

    replica: ReplicaSpec
    fleet: FleetSpec
    trace: Trace
    promised_s: NDArray[np.float64]
    """Shape (n,)."""


def workloads(options: AutoscalerOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every shape with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(
            name=f"{split}/{shape.name}/seed{seed}",
            split=split,
            seed=seed,
            params={name: value for name, value in shape._asdict().items() if name != "name"},
        )
        for seed in range(first, first + (count or options.heldout_seeds))
        for shape in SHAPES[split]
    )


def case_of(options: AutoscalerOptions, workload: Workload) -> Case:
    """Return what ``workload`` stands for. Arrivals, lengths and predictions each have a generator of their own."""
    when, lengths, errors, clock = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(workload.seed).spawn(4)
    )
    shape = {name: float(workload.params[name]) for name in ("swing", "level_sigma", "surge")}
    arrival = arrivals(RateModel(options.rate, **shape), options.seconds, when)
    prompt = PROMPT.draw(len(arrival), lengths)
    output = OUTPUT.draw(len(arrival), lengths)
    predicted = predict(output, SIGMAS[workload.split], OUTPUT.longest, errors)
    trace = Trace(arrival + clock.uniform(*CLOCK_ORIGIN_S), prompt, output, predicted)
    # As many are up at the start as the first minutes need, or the start would cost every scaler alike.
    begun = int(np.clip(round(np.count_nonzero(arrival < 120.0) / 120.0 + 0.5), 1, MOST))
    fleet = FleetSpec(most=MOST, first=begun, start_s=float(workload.params["start_s"]))
    return Case(a10_replica(), fleet, trace, np.asarray(FIRST_S + TOKEN_S * output, dtype=np.float64))
