"""A landscape as a problem of ours: the world runs in the judge, the program answers in the sandbox."""

from collections.abc import Mapping, Sequence

import landscapes
from speciate.evaluators import (
    Answer,
    Argument,
    Candidate,
    Descriptor,
    Hook,
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

BINS = 6
"""Of either measured behaviour."""


def problem(options: Mapping[str, str]) -> "Searched":
    """Return the problem that option ``landscape`` names."""
    return Searched(options["landscape"])


class Searched(Problem[Policy]):
    """One landscape."""

    version = "1"
    objective = Objective(name="score", unit="of 100", direction="maximize")

    def __init__(self, name: str):
        self.name = f"peers-{name}"
        self._land = land = landscapes.LANDSCAPES[name]
        self.title = land.title
        self.descriptors = tuple(Descriptor(name=each, low=0.0, high=1.0, bins=BINS) for each in land.traits)
        fields = tuple(Quantity(name=field) for field in land.view._fields)
        argument = Argument(name=land.view.__name__.lower(), record=Record(name=land.view.__name__, quantities=fields))
        hook = Hook(name=land.function, arguments=(argument,), answer=Answer(kind="number"), about=land.about)
        self.interface = PolicyInterface(hooks=(hook,))

    def brief(self) -> str:
        return f"# {self.title}\n\n{self.interface.description()}\n"

    def seed(self) -> Candidate:
        return Candidate.from_source(self._land.seed)

    def workloads(self, split: Split) -> Sequence[Workload]:
        return tuple(Workload(name=f"{split}/{seed}", split=split, seed=seed) for seed in landscapes.WORKLOADS)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        policy.begin(0)
        outcome = self._land.simulate(landscapes.checked(policy.hook(self._land.function)), workload.seed)
        traits = dict(zip(self._land.traits, outcome.traits, strict=True))
        return Measurement(workload=workload.name, objective=outcome.score, descriptors=traits)
