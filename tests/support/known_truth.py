"""Noisy judges whose truth is known: how often selection finds the best design, and how often a claim is false.

Only the measurements are made up; they are selected, asked about and claimed by the functions that a run uses.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from speciate.evaluators import (
    Candidate,
    Descriptor,
    Measurement,
    Objective,
    Policy,
    Problem,
    Split,
    Workload,
)
from speciate.evaluators._gate import Gate, GateState
from speciate.evaluators._selection import Choice, Pull, Selection
from speciate.evaluators._statistics import claim_over, repeated_gain
from synthetic_problem import INTERFACE

BUDGET = 330
RUNS = 300
SEEDS = 12
FINALISTS = 5
REPETITIONS = 4


class Latency(Problem[Policy]):
    """Only what is computed from measurements is used here: direction, score and workloads."""

    name = "latency"
    title = "Latency"
    objective = Objective(name="latency", unit="s")
    descriptors = (Descriptor(name="share", low=0, high=1, bins=2),)
    interface = INTERFACE
    noisy = True

    def seed(self) -> Candidate:
        return Candidate.from_source("")

    def workloads(self, split: Split) -> Sequence[Workload]:
        return tuple(Workload(name=f"{split}/{i}", split=split, seed=i) for i in range(SEEDS))

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        raise NotImplementedError


PROBLEM = Latency()
Draw = Callable[[Random], float]


def normal(rng: Random) -> float:
    return rng.gauss(0, 1)


def skewed(rng: Random) -> float:
    return rng.expovariate(1.0) - 1


class World:
    """Designs with true latencies; seeds are easy or hard for all, more or less so for some, and judging is noisy."""

    def __init__(self, rng: Random, noise: Draw):
        self.rng, self.noise = rng, noise
        self.hard = {split: [0.2 * noise(rng) for _ in range(SEEDS)] for split in ("train", "validation", "heldout")}
        self.taste: dict[tuple[int, str, int], float] = {}

    def measured(self, design: int, truth: float, split: Split) -> list[Measurement]:
        told = []
        for workload in PROBLEM.workloads(split):
            key = (design, split, workload.seed)
            own = self.taste.setdefault(key, 0.03 * self.noise(self.rng))
            value = truth * (2 + self.hard[split][workload.seed] + own + 0.03 * self.noise(self.rng))
            told.append(Measurement(workload=workload.name, objective=value))
        return told


def claimed(truth: Sequence[float], rivals: int, rng: Random, noise: Draw) -> bool:
    """Select among ``truth`` on train and validation, through the gate, and return whether it beats the rivals.

    The rivals' true latency is 1; they are the designs -1, -2, ...
    """
    world = World(rng, noise)
    train = [PROBLEM.score(world.measured(i, t, "train")) for i, t in enumerate(truth)]
    finalists = sorted(range(len(truth)), key=train.__getitem__)[:FINALISTS]
    selection = Selection(len(finalists), REPETITIONS * len(finalists))
    while wave := selection.wanted():
        for pull in wave:
            design = finalists[pull.arm]
            selection.tell(pull, PROBLEM.score(world.measured(design, truth[design], "validation")))
    choice = selection.choice()
    assert choice.arm is not None
    champion = finalists[choice.arm]
    first = [PROBLEM.score(world.measured(-1, 1.0, split)) for split in ("train", "validation")]
    mean = choice.means[choice.arm]
    assert mean is not None
    answer, _ = Gate("latency").ask(GateState(), 1 - train[champion] / first[0], 1 - mean / first[1])
    assert answer.gain is not None
    workloads = PROBLEM.workloads("heldout")
    ours = [world.measured(champion, truth[champion], "heldout") for _ in range(2)]
    gains = {
        f"rival {i}": repeated_gain(
            PROBLEM, workloads, ours, [world.measured(-1 - i, 1.0, "heldout") for _ in range(2)]
        )
        for i in range(rivals)
    }
    return claim_over(gains).holds


def false_claims(rivals: int, noise: Draw, runs: int) -> int:
    """Return how many of ``runs`` searches, in which no design is better than a rival, end with a claim."""
    rng = Random(f"claims/{rivals}")
    return sum(claimed([1.0] * 20, rivals, rng, noise) for _ in range(runs))


def run(arms: int, budget: int, measure: Callable[[Pull], float | None]) -> Choice:
    selection = Selection(arms, budget)
    while wave := selection.wanted():
        for pull in wave:
            selection.tell(pull, measure(pull))
    return selection.choice()


def shuffled(means: Sequence[float], rng: Random) -> list[float]:
    truth = list(means)
    rng.shuffle(truth)
    return truth


class Found(NamedTuple):
    """How often the best of several designs was found, as shares of ``RUNS``."""

    right: float
    """By selection within ``BUDGET`` measurements."""
    naive: float
    """By the best of one measurement each."""
    most: int
    """Measurements that a selection took."""


def found_best(means: Sequence[float], seed: int, shared: float = 0.0) -> Found:
    """Select the best of designs of these true means ``RUNS`` times, and return how often that succeeds.

    The noise has a standard deviation of 1; ``shared`` is that of a draw that all designs of a repetition have.
    """
    rng = Random(seed)
    right = naive = most = 0
    for _ in range(RUNS):
        truth = shuffled(means, rng)
        best = truth.index(min(truth))
        common: dict[int, float] = {}

        def measure(pull: Pull, truth: list[float] = truth, common: dict[int, float] = common) -> float:
            draw = common.setdefault(pull.repetition, rng.gauss(0, shared) if shared else 0.0)
            return truth[pull.arm] + draw + rng.gauss(0, 1)

        once = [measure(Pull(arm, -1)) for arm in range(len(truth))]
        naive += once.index(min(once)) == best
        choice = run(len(truth), BUDGET, measure)
        right += choice.arm == best
        most = max(most, choice.measurements)
    return Found(right / RUNS, naive / RUNS, most)
