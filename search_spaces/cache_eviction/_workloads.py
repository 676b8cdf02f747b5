"""Requests of skewed and drifting popularity with scans and loops through them, and guesses of the next use."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.cache import next_uses

RUN = 20
"""Mean length of a scan, and of a stretch of a loop, in requests."""
CLOCK_ORIGIN = (10_000, 1_000_000)
"""Requests; between which the clock of a workload starts."""


class EvictionOptions(Frozen):
    """What a user may choose."""

    requests: int = Field(default=8000, ge=500, le=1_000_000)
    """Requests of each workload."""
    capacity: int = Field(default=200, ge=2, le=100_000)
    """Objects that the cache holds."""
    heldout_seeds: int = Field(default=32, ge=2, le=64)


class Mix(NamedTuple):
    """One kind of traffic, and how good the guesses are."""

    skew: float
    """Of the popularity: the object of rank r is wanted in proportion to r ** -skew."""
    churn: float
    """Objects a thousand requests that jump to a random rank: how fast popularity drifts."""
    scans: float
    """Share of requests that belong to scans of objects that nobody wants twice."""
    loops: float
    """Share of requests that go round and round a set a little larger than the cache."""
    sigma: float
    """Standard deviation of the logarithm of a guess's error in the first half of the run."""
    later: float
    """The same in the second half."""


MIXES: Mapping[Split, Mapping[str, Mix]] = {
    "train": {
        "good-guesses": Mix(0.9, 10, 0.10, 0.05, 0.4, 0.8),
        "fair-guesses": Mix(0.9, 12, 0.10, 0.08, 1.2, 1.8),
        "poor-guesses": Mix(0.9, 10, 0.15, 0.10, 3.0, 3.0),
        "turning": Mix(0.8, 20, 0.05, 0.20, 0.5, 4.0),
    },
    "validation": {
        "good-guesses": Mix(0.85, 15, 0.10, 0.05, 0.5, 0.5),
        "poor-guesses": Mix(0.85, 15, 0.20, 0.10, 2.5, 3.5),
        "turning": Mix(0.9, 10, 0.05, 0.15, 4.0, 0.4),
    },
    "heldout": {
        "good-guesses": Mix(0.95, 8, 0.12, 0.05, 0.3, 0.9),
        "fair-guesses": Mix(0.85, 15, 0.10, 0.10, 1.5, 1.5),
        "poor-guesses": Mix(0.9, 12, 0.20, 0.10, 3.5, 3.0),
        "turning": Mix(0.85, 20, 0.10, 0.15, 0.4, 3.5),
    },
}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 3), "validation": (101, 6), "heldout": (30001, 0)}
"""First seed and number of seeds; held-out's number is an option."""


@dataclass(frozen=True)
class Requests:
    """A trace with its guesses; arrays of shape (n,)."""

    objects: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.float64]
    """Requests until the same object is wanted again, as guessed."""
    start: int
    """What the clock says before the first."""


@dataclass(frozen=True)
class TrafficModel:
    """A stream of requests for objects of one size."""

    requests: int
    capacity: int
    mix: Mix
    catalogue: float = 15.0
    """Popular objects, in capacities."""


def generate(model: TrafficModel, seed: int) -> Requests:
    """Return the requests of ``seed``. Traffic and guesses each have a generator of their own."""
    traffic, guesses = (np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(2))
    objects = _traffic(model, traffic)
    n = len(objects)
    distance = np.minimum(next_uses(objects) - np.arange(n), 2 * n).astype(np.float64)
    # What is never wanted again is guessed to be far away, as a predictor that cannot know would say.
    distance[next_uses(objects) == n] = 20.0 * model.capacity
    sigma = np.where(np.arange(n) < n // 2, model.mix.sigma, model.mix.later)
    predicted = distance * np.exp(sigma * guesses.standard_normal(n))
    return Requests(objects, predicted, int(traffic.integers(*CLOCK_ORIGIN)))


def _traffic(model: TrafficModel, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the ids: popular objects, then those of the loop, then those of scans."""
    n, mix = model.requests, model.mix
    popular = int(model.catalogue * model.capacity)
    weights = np.arange(1, popular + 1, dtype=np.float64) ** -mix.skew
    ranks = rng.choice(popular, size=n, p=weights / weights.sum())
    jumps = rng.random(n) < mix.churn / 1000.0
    round_ = int(1.2 * model.capacity)
    order = rng.permutation(popular)
    ids = np.empty(n, dtype=np.int64)
    looped, scanned, at = 0, popular + round_, 0
    # Scans and loops come in runs; a run of mean length RUN begins so seldom that its kind has its share.
    begins = rng.choice(3, size=n, p=_beginnings(mix))
    while at < n:
        if begins[at] == 0:
            ids[at] = order[ranks[at]]
            if jumps[at]:
                one, other = rng.integers(popular, size=2)
                order[[one, other]] = order[[other, one]]
            at += 1
            continue
        run = min(int(rng.integers(1, 2 * RUN)), n - at)
        if begins[at] == 1:
            ids[at : at + run] = popular + (looped + np.arange(run)) % round_
            looped += run
        else:
            ids[at : at + run] = scanned + np.arange(run)
            scanned += run
        at += run
    return ids


def _beginnings(mix: Mix) -> tuple[float, float, float]:
    """Return how likely a request outside runs is to be single, or to begin a run of a loop or of a scan."""
    single = 1.0 - mix.scans - mix.loops
    loop, scan = mix.loops / RUN, mix.scans / RUN
    total = single + loop + scan
    return single / total, loop / total, scan / total


def workloads(options: EvictionOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every mix with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(name=f"{split}/{mix}/seed{seed}", split=split, seed=seed, params={"mix": mix})
        for seed in range(first, first + (count or options.heldout_seeds))
        for mix in MIXES[split]
    )


@lru_cache(maxsize=64)
def _requests(requests: int, capacity: int, mix: Mix, seed: int) -> Requests:
    return generate(TrafficModel(requests, capacity, mix), seed)


def requests_of(options: EvictionOptions, workload: Workload) -> Requests:
    """Return the requests of a workload."""
    mix = MIXES[workload.split][str(workload.params["mix"])]
    return _requests(options.requests, options.capacity, mix, workload.seed)
