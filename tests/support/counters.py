"""A tiny problem with the one hook that the hostile corpus attacks: which counter does a customer queue at?

For ``speciate run PATH``. Two workloads a split, two descriptors, limits short enough to wait for attacks.
"""

from collections.abc import Mapping, Sequence
from random import Random

from speciate.evaluators import (
    Answer,
    Argument,
    Baseline,
    Candidate,
    Descriptor,
    Hook,
    Limits,
    Measurement,
    Objective,
    Policy,
    PolicyInterface,
    PolicyProbe,
    ProbeCall,
    Problem,
    Quantity,
    Record,
    Split,
    Workload,
)

SPEEDS = (1.0, 0.5, 2.5)
CUSTOMERS = 40
WAITING_S = 1.0
"""What HOLD costs: the customer walks about for so long, and then queues at the first counter."""

VIEW = Record(name="View", quantities=(Quantity(name="time", unit="s"), Quantity(name="load", unit="s")))
REPLICA = Record(name="Replica", quantities=(Quantity(name="speed", unit="x"), Quantity(name="queue", unit="s")))
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="choose",
            arguments=(Argument(name="view", record=VIEW, table="replicas", row=REPLICA),),
            answer=Answer(kind="integer", low=-1, high="rows-1"),
            about="Index of the counter, or HOLD.",
        ),
    ),
    constants={"HOLD": -1.0},
)

DESIGN = """def choose(view):
    costs = [{queue} * each.queue + {speed} / each.speed for each in view.replicas]
    return costs.index(min(costs))
"""


def design(queue: float, speed: float) -> str:
    """Return the source of an honest design: least of ``queue`` x queue + ``speed`` / speed."""
    return DESIGN.format(queue=queue, speed=speed)


def problem(options: Mapping[str, str]) -> "Counters":
    """Return the problem; it has no options."""
    assert not options
    return Counters()


class Counters(Problem[Policy]):
    """Mean time until a customer is served."""

    name = "counters"
    title = "Customers to counters of different speed"
    family = "toy"
    version = "1"
    objective = Objective(name="mean sojourn", unit="s")
    descriptors = (
        Descriptor(name="fast_share", low=0.0, high=1.0, bins=6, unit="share"),
        Descriptor(name="held_share", low=0.0, high=1.0, bins=3, unit="share"),
    )
    interface = INTERFACE
    limits = Limits(
        wall_s=10.0,
        cpu_s=0.5,
        decision_wall_s=2.0,
        start_wall_s=2.0,
        memory_bytes=128 << 20,
        output_bytes=256 << 10,
    )

    def seed(self) -> Candidate:
        return Candidate.from_source(design(1.0, 0.0))

    def baselines(self) -> Sequence[Baseline]:
        first = Candidate.from_source("def choose(view):\n    return HOLD\n")
        return (Baseline(name="hold-all", title="All wait", candidate=first),)

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 1, "validation": 101, "heldout": 1001}[split]
        return tuple(Workload(name=f"{split}/{seed}", split=split, seed=seed) for seed in (first, first + 1))

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        rng = Random(workload.seed)
        policy.begin(len(SPEEDS))
        choose = policy.hook("choose")
        free, now, total, fast, held = [0.0] * len(SPEEDS), 0.0, 0.0, 0, 0
        for _ in range(CUSTOMERS):
            now += rng.expovariate(0.8 * sum(SPEEDS))
            size = rng.expovariate(1.0)
            observed = [now, size]
            for index, speed in enumerate(SPEEDS):
                observed += [speed, max(0.0, free[index] - now)]
            answer = int(choose(observed))
            counter, start = max(answer, 0), now + (WAITING_S if answer < 0 else 0.0)
            free[counter] = max(free[counter], start) + size / SPEEDS[counter]
            total += free[counter] - now
            fast += counter == 2
            held += answer < 0
        return Measurement(
            workload=workload.name,
            objective=total / CUSTOMERS,
            metrics={"last_s": max(free) - now},
            descriptors={"fast_share": fast / CUSTOMERS, "held_share": held / CUSTOMERS},
        )

    def score(self, measurements: Sequence[Measurement]) -> float:
        return sum(m.objective for m in measurements) / len(measurements)

    def bound(self, workload: Workload) -> float | None:
        return None

    def brief(self) -> str:
        return "Send each customer to the counter that keeps the mean time until service low."

    def probe(self) -> PolicyProbe:
        rng = Random(7)
        calls = []
        for _ in range(40):
            values = [10.0, rng.random() * 3]
            for speed in SPEEDS:
                values += [speed, rng.random() * 5]
            calls.append(ProbeCall("choose", tuple(values)))
        return PolicyProbe(rows=len(SPEEDS), calls=tuple(calls))
