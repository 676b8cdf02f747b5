"""Claims over simulated runs, made by the functions that a run makes them with: rarely false, mostly made if true."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
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
from speciate.evaluators._selection import Selection
from speciate.evaluators._statistics import claim_over, holm, repeated_gain
from synthetic_problem import INTERFACE

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


@pytest.mark.parametrize(("rivals", "noise", "runs"), [(1, normal, 1000), (1, skewed, 300), (3, normal, 300)])
def test_at_most_65_of_1000_runs_claim_a_gain_where_no_design_is_better(rivals: int, noise: Draw, runs: int) -> None:
    rng = Random(f"claims/{rivals}")
    false = sum(claimed([1.0] * 20, rivals, rng, noise) for _ in range(runs))
    assert false <= runs * 65 // 1000


def test_a_gain_of_five_percent_is_mostly_claimed() -> None:
    rng = Random("power")
    truth = [0.95] + [1.0 + 0.01 * i for i in range(19)]
    assert sum(claimed(truth, 3, rng, normal) for _ in range(100)) >= 90


def test_holm_keeps_a_table_of_runs_honest() -> None:
    """Ten useless champions in one table: one at least would look significant in four tables of ten."""
    rng = Random(2)
    plain = adjusted = 0
    for _ in range(400):
        p_values = [rng.random() for _ in range(10)]
        plain += min(p_values) <= 0.05
        adjusted += min(holm(p_values)) <= 0.05
    assert plain >= 120
    assert adjusted <= 32
