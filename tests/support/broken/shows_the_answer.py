"""Broken on purpose: jobs are of unknown size, but each lane's row shows when it would really be done."""

from collections.abc import Callable, Mapping, Sequence

from speciate.evaluators import (
    Argument,
    Baseline,
    Candidate,
    Hook,
    Measurement,
    Policy,
    PolicyInterface,
    Quantity,
    Record,
    Workload,
)
from support.lanes import INTERFACE, JOB, LANE, SPEEDS, YARD, Lanes

LEAKY = Record(name="Lane", quantities=(*LANE.quantities, Quantity(name="ends", unit="s")))
CHOOSE = Hook(
    name="choose",
    arguments=(Argument(name="job", record=JOB), Argument(name="yard", record=YARD, table="lanes", row=LEAKY)),
    answer=INTERFACE.hooks[0].answer,
)
BY_JOBS = (
    "def choose(job, yard):\n    return min(yard.lanes, key=lambda lane: (lane.jobs / lane.speed, lane.index)).index\n"
)


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Leaky:
    """A policy that is shown no size and no backlog, and by mistake the end."""

    def __init__(self, inner: Policy):
        self._inner = inner

    def begin(self, rows: int) -> None:
        self._inner.begin(rows)

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        inner, width = self._inner.hook(name), len(LANE.quantities)

        def call(seen: Sequence[float]) -> float:
            size, now = seen[0], seen[1]
            shown = [0.0, now, now]
            for index, speed in enumerate(SPEEDS):
                _, _, backlog, jobs = seen[3 + index * width : 3 + (index + 1) * width]
                shown += [index, speed, 0.0, jobs, backlog + size / speed]
            return inner(shown)

        return call


class Broken(Lanes):
    """Lanes with a leak."""

    name = "shows-the-answer"
    interface = PolicyInterface(hooks=(CHOOSE,))

    def seed(self) -> Candidate:
        return Candidate.from_source(BY_JOBS)

    def baselines(self) -> Sequence[Baseline]:
        return (
            super().baselines()[0],
            Baseline(name="fewest-jobs", title="Fewest jobs for its speed", candidate=self.seed(), source="folklore"),
        )

    def probe(self) -> None:
        return None

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        return super().measure(Leaky(policy), workload)
