"""The task that both sides judge: customers queue at counters of different speed. Standard library only.

The same world, workloads and score for every framework; what differs is where the candidate runs while it is asked.
"""

import time
from collections import namedtuple
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

SPEEDS = (1.0, 0.5, 2.5)
CUSTOMERS = 40
SEEDS = (1, 2)

View = namedtuple("View", ("time", "load", "replicas"))
Replica = namedtuple("Replica", ("speed", "queue"))


class Outcome(NamedTuple):
    """What one workload gave."""

    sojourn_s: float
    """Mean time in the yard, simulated."""
    deciding_ms: float
    """Wall time of the whole workload, measured by the evaluator as benchmarks of real code do."""


def simulate(choose: Callable[[Any], Any], seed: int) -> Outcome:
    """Return the outcome of one seeded workload, with ``choose`` naming a counter for every customer."""
    rng = Random(seed)
    free, now, total = [0.0] * len(SPEEDS), 0.0, 0.0
    began = time.perf_counter()
    for _ in range(CUSTOMERS):
        now += rng.expovariate(0.8 * sum(SPEEDS))
        size = rng.expovariate(1.0)
        replicas = tuple(Replica(speed, max(0.0, free[n] - now)) for n, speed in enumerate(SPEEDS))
        counter = int(choose(View(now, size, replicas)))
        if not 0 <= counter < len(SPEEDS):
            raise ValueError(f"expected a counter from 0 to {len(SPEEDS) - 1}, got {counter}")
        free[counter] = max(free[counter], now) + size / SPEEDS[counter]
        total += free[counter] - now
    return Outcome(total / CUSTOMERS, 1e3 * (time.perf_counter() - began))


def score(outcomes: Sequence[Outcome]) -> float:
    """Return the score, higher is better: minus the mean sojourn."""
    return -sum(outcome.sojourn_s for outcome in outcomes) / len(outcomes)
