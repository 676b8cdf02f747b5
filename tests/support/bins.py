"""A plan problem that is judged in milliseconds: jobs of known length to machines, least makespan.

It gives only what the contract asks of every problem, and a bound: the shape of a newcomer's first plan.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from speciate.evaluators import (
    Array,
    Baseline,
    Candidate,
    Descriptor,
    Measurement,
    Objective,
    Plan,
    PlanInterface,
    Problem,
    Split,
    Workload,
)

ROUND_ROBIN = """
import numpy as np

def plan(lengths, machines):
    return np.arange(len(lengths)) % machines
"""
LONGEST_FIRST = """
import numpy as np

def plan(lengths, machines):
    free = np.zeros(machines)
    place = np.zeros(len(lengths), dtype=int)
    for job in np.argsort(-lengths, kind="stable"):
        place[job] = free.argmin()
        free[place[job]] += lengths[job]
    return place
"""


def problem(options: Mapping[str, str]) -> "Bins":
    return Bins()


class Bins(Problem[Plan]):
    """Makespan over its lower bound."""

    name = "bins"
    title = "Jobs to machines"
    objective = Objective(name="makespan", unit="x lower bound")
    descriptors = (Descriptor(name="spread", low=0.0, high=1.0, bins=5, unit="share"),)
    interface = PlanInterface(
        inputs=(
            Array(name="lengths", shape=("jobs",), unit="s", about="how long each job runs"),
            Array(name="machines", kind="integer"),
        ),
        outputs=(Array(name="place", shape=("jobs",), kind="integer", low=0, high="machines-1"),),
    )

    def seed(self) -> Candidate:
        return Candidate.from_source(ROUND_ROBIN)

    def baselines(self) -> Sequence[Baseline]:
        longest = Candidate.from_source(LONGEST_FIRST)
        return (
            Baseline(name="round-robin", title="Round robin", candidate=self.seed(), control=True),
            Baseline(name="longest-first", title="Longest first", candidate=longest, source="Graham 1969"),
        )

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 1, "validation": 101, "heldout": 1001}[split]
        return tuple(
            Workload(name=f"{split}/{jobs}/seed{seed}", split=split, seed=seed, params={"jobs": jobs})
            for jobs in (20, 60)
            for seed in range(first, first + 2)
        )

    def measure(self, plan: Plan, workload: Workload) -> Measurement:
        lengths = np.random.default_rng(workload.seed).lognormal(0.0, 1.0, int(workload.params["jobs"]))
        machines = 6
        place = plan(lengths=lengths, machines=machines)["place"]
        loads = np.bincount(place, weights=lengths, minlength=machines)
        least = max(lengths.max(), lengths.sum() / machines)
        return Measurement(
            workload=workload.name,
            objective=float(loads.max() / least),
            descriptors={"spread": float((loads.max() - loads.min()) / loads.max())},
        )

    def bound(self, workload: Workload) -> float:
        return 1.0
