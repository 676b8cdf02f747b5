"""A problem that can be learned by heart: workloads are told apart by their first observation.

For ``speciate run PATH``.
"""

from collections.abc import Mapping, Sequence
from random import Random

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
    Status,
    Workload,
    judge_inline,
)

POINTS = 12
POINT = Record(name="Point", quantities=(Quantity(name="index"), Quantity(name="x")))


class Forecast(Problem[Policy]):
    """Guess a noisy square. Nothing but the first ``x`` tells one workload from another, and that is enough."""

    name = "forecast"
    title = "A noisy square"
    objective = Objective(name="mean error", unit="")
    descriptors = (Descriptor(name="mean", low=0, high=1, bins=2),)
    interface = PolicyInterface(
        hooks=(Hook(name="guess", arguments=(Argument(name="point", record=POINT),), answer=Answer(kind="number")),)
    )

    def seed(self) -> Candidate:
        return Candidate.from_source("def guess(point):\n    return 0.33\n")

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 0, "validation": 100, "heldout": 200}[split]
        return tuple(Workload(name=f"{split}/{i}", split=split, seed=first + i) for i in range(40))

    def points(self, workload: Workload) -> list[tuple[float, float]]:
        rng = Random(workload.seed)
        return [(x, x * x + rng.gauss(0, 0.1)) for x in (rng.random() for _ in range(POINTS))]

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        policy.begin(0)
        guess = policy.hook("guess")
        points = self.points(workload)
        errors = [abs(guess([float(i), x]) - y) for i, (x, y) in enumerate(points)]
        return Measurement(workload=workload.name, objective=sum(errors) / POINTS, descriptors={"mean": 0.5})


def problem(options: Mapping[str, str]) -> Forecast:
    """Return the problem; it has no options."""
    assert not options
    return Forecast()


PROBLEM = Forecast()
HONEST = Candidate.from_source("def guess(point):\n    return point.x * point.x\n")
FORGETFUL = "known = {table}\nfound = []\n\n\n" + (
    "def guess(point):\n"
    "    if point.index == 0:\n"
    "        found[:] = known.get(round(point.x, 9), [])\n"
    "    return found[int(point.index)] if found else 0.33\n"
)


def memorised() -> Candidate:
    """Return a design that knows the train workloads by heart and elsewhere does what the seed does."""
    known = {}
    for workload in PROBLEM.workloads("train"):
        points = PROBLEM.points(workload)
        known[round(points[0][0], 9)] = [round(y, 6) for _, y in points]
    return Candidate.from_source(FORGETFUL.format(table=known))


def gain(candidate: Candidate, split: Split) -> float:
    """Return how much better than the seed a design is, as a share."""
    scores = []
    for each in (PROBLEM.seed(), candidate):
        evaluation = judge_inline(PROBLEM, each, split)
        assert evaluation.status is Status.OK, evaluation.detail
        assert evaluation.score is not None
        scores.append(evaluation.score)
    return (scores[0] - scores[1]) / scores[0]
