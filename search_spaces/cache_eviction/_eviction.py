"""The problem ``cache-eviction``, as the judge sees it."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from speciate.evaluators import (
    CandidateFault,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Policy,
    Problem,
    Split,
    Status,
    Workload,
)
from speciate.simulators.cache import EventLimitError, Outcome, belady_misses, simulate

from .._options import parsed
from ._interface import INTERFACE
from ._workloads import EvictionOptions, Requests, requests_of, workloads

REVIEWS_PER_REQUEST = 4
"""A run is ended beyond this; honest policies take under 2."""


def problem(options: Mapping[str, str]) -> "CacheEviction":
    """Return the problem with ``options`` (see ``EvictionOptions``)."""
    return CacheEviction(parsed(EvictionOptions, options, CacheEviction.name))


class Hooks(NamedTuple):
    """A policy's hooks in the shape the simulator calls."""

    priority: Callable[[Sequence[float]], float]
    review: Callable[[Sequence[float]], float]


class CacheEviction(Problem[Policy]):
    """Keep the miss ratio low where traffic drifts and guesses of the next use may be wrong."""

    name = "cache-eviction"
    title = "What a full cache lets go, with noisy next-use predictions"
    family = "cache"
    objective = Objective(name="miss ratio", unit="share")
    descriptors = (
        Descriptor(
            name="victim_idle",
            low=-2.5,
            high=0.5,
            bins=10,
            unit="log10 capacities",
            about="median idle time of what is let go: 0 is one capacity of requests",
        ),
        Descriptor(
            name="second_looks",
            low=0.0,
            high=0.4,
            bins=8,
            unit="share",
            about="share of reviews that keep the object: 0 decides by priority alone, CLOCK and SIEVE look again",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: EvictionOptions):
        self.options = options

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every mix with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run the workload's requests with ``policy`` ordering the objects."""
        requests = requests_of(self.options, workload)
        policy.begin(0)
        try:
            outcome = simulate(
                requests.objects,
                requests.predicted,
                self.options.capacity,
                Hooks(policy.hook("priority"), policy.hook("review")),
                start=requests.start,
                review_limit=REVIEWS_PER_REQUEST * len(requests.objects),
            )
        except EventLimitError as error:
            raise CandidateFault(Status.INCORRECT, f"the reviews do not end: {error}") from error
        evictions = max(1, len(outcome.victim_idle))
        idle = float(np.median(outcome.victim_idle)) if len(outcome.victim_idle) else 1.0
        return Measurement(
            workload=workload.name,
            objective=outcome.misses / len(requests.objects),
            metrics={"misses": float(outcome.misses), "reviews_per_eviction": outcome.reviews / evictions},
            descriptors={
                "victim_idle": math.log10(max(idle, 1.0) / self.options.capacity),
                "second_looks": 1.0 - evictions / max(outcome.reviews, evictions),
            },
            feedback=self._feedback(workload, requests, outcome),
        )

    def bound(self, workload: Workload) -> float:
        """Return the miss ratio of Belady's rule on the same requests: no policy misses less often."""
        return self._least(workload) / self.options.requests

    def _least(self, workload: Workload) -> int:
        return _belady(self.options, workload.model_dump_json())

    def _feedback(self, workload: Workload, requests: Requests, outcome: Outcome) -> str:
        """Return a few lines on one run: misses against the bound, of which kind, and whether guesses were good."""
        n = len(requests.objects)
        first = np.zeros(n, dtype=bool)
        first[np.unique(requests.objects, return_index=True)[1]] = True
        halves = [float(1.0 - outcome.hit[part].mean()) for part in (slice(0, n // 2), slice(n // 2, n))]
        return "\n".join(
            [
                f"{workload.name}: {outcome.misses} of {n} requests missed, {int(first.sum())} of them the first for "
                f"their object; whoever knows the future misses {self._least(workload)}",
                f"miss ratio {halves[0]:.3f} in the first half, {halves[1]:.3f} in the second",
                f"{np.mean(outcome.victim_hits == 0):.0%} of what was let go had never been hit; median idle time "
                f"{np.median(outcome.victim_idle):.0f} requests, capacity {self.options.capacity}",
            ]
        )


@lru_cache(maxsize=256)
def _belady(options: EvictionOptions, workload: str) -> int:
    requests = requests_of(options, Workload.model_validate_json(workload))
    return belady_misses(requests.objects, options.capacity)
