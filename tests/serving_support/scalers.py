"""Scalers as the tests need them: read from the flat observation, nothing else."""

from collections.abc import Sequence
from math import ceil
from random import Random

from speciate.simulators.serving import FLEET_FIELDS

UP, STARTING, WAITING, OUTSTANDING = (FLEET_FIELDS.index(name) for name in ("up", "starting", "waiting", "outstanding"))


class Fixed:
    """Always as many."""

    def __init__(self, size: float):
        self.size = size

    def replicas(self, observation: Sequence[float]) -> float:
        return self.size


class Tracking:
    """So many that each has its target of requests."""

    def __init__(self, target: float):
        self.target = target

    def replicas(self, observation: Sequence[float]) -> float:
        return ceil((observation[WAITING] + observation[OUTSTANDING]) / self.target)


class Moods:
    """Sizes drawn from a seed: no sense, and every path of the fleet."""

    def __init__(self, seed: int):
        self.draw = Random(seed)
        self.seen: list[dict[str, float]] = []

    def replicas(self, observation: Sequence[float]) -> float:
        self.seen.append(dict(zip(FLEET_FIELDS, observation, strict=True)))
        return self.draw.choice((0.0, 1.0, 2.4, 3.0, 4.5, 99.0))
