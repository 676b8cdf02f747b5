"""The same task as a problem of ours: the world runs in the judge, the candidate answers in a sandbox."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import world
from speciate.evaluators import (
    Answer,
    Argument,
    Candidate,
    Descriptor,
    Hook,
    Limits,
    Measurement,
    Objective,
    Policy,
    PolicyInterface,
    Problem,
    Quantity,
    Record,
    Split,
    Workload,
)

VIEW = Record(name="View", quantities=(Quantity(name="time", unit="s"), Quantity(name="load", unit="s")))
REPLICA = Record(name="Replica", quantities=(Quantity(name="speed", unit="x"), Quantity(name="queue", unit="s")))
CHOOSE = Hook(
    name="choose",
    arguments=(Argument(name="view", record=VIEW, table="replicas", row=REPLICA),),
    answer=Answer(kind="integer", low=0, high="rows-1"),
    about="Index of the counter.",
)


def problem(options: Mapping[str, str]) -> "Counters":
    """Return the problem; option ``timeout_s`` is what one workload may take."""
    return Counters(float(options["timeout_s"]))


class Counters(Problem[Policy]):
    """Minus the mean time in the yard."""

    name = "counters"
    title = "Customers to counters of different speed"
    version = "1"
    objective = Objective(name="minus mean sojourn", unit="s", direction="maximize")
    descriptors = (Descriptor(name="deciding_ms", low=0.0, high=1000.0, bins=1),)
    interface = PolicyInterface(hooks=(CHOOSE,))

    def __init__(self, timeout_s: float):
        self.limits = Limits(wall_s=timeout_s, cpu_s=timeout_s, decision_wall_s=timeout_s, decision_cpu_s=timeout_s)

    def seed(self) -> Candidate:
        return Candidate.from_source("def choose(view):\n    return 2\n")

    def workloads(self, split: Split) -> Sequence[Workload]:
        return tuple(Workload(name=f"{split}/{seed}", split=split, seed=seed) for seed in world.SEEDS)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        policy.begin(len(world.SPEEDS))
        outcome = world.simulate(_flat(policy.hook("choose")), workload.seed)
        return Measurement(
            workload=workload.name,
            objective=world.score([outcome]),
            descriptors={"deciding_ms": outcome.deciding_ms},
        )


def _flat(choose: Callable[[Sequence[float]], float]) -> Callable[[Any], float]:
    return lambda view: choose([view.time, view.load, *(number for row in view.replicas for number in row)])
