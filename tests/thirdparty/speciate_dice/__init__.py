"""What somebody else may add to Speciate, written with the public names only.

A candidate of kind ``number`` is a text file that holds one number: nothing of it is ever executed. The problem is
to guess the hidden mean of some dice.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from random import Random
from typing import ClassVar

from speciate import (
    ArchiveView,
    Baseline,
    Candidate,
    CandidateFault,
    Cost,
    Descriptor,
    Draw,
    Evaluation,
    EvaluationCache,
    Function,
    Interface,
    JudgeTask,
    Measurement,
    Objective,
    Place,
    Problem,
    Proposal,
    RunSettings,
    Sandbox,
    Session,
    SourceFile,
    Split,
    Status,
    Task,
    Workload,
    judge,
)


class NumberInterface(Interface):
    """One number in a text file."""

    kind: ClassVar[str] = "number"
    language: ClassVar[str] = "text"

    @property
    def functions(self) -> tuple[Function, ...]:
        return ()

    def signatures(self) -> tuple[str, ...]:
        return ("guess.txt",)

    def description(self) -> str:
        return "Write one number."


def guess(number: float) -> Candidate:
    return Candidate(files=(SourceFile(path="guess.txt", text=f"{number:.6f}\n"),), language="text")


class Dice(Problem[float]):
    """Distance of a guess from the mean of seeded dice."""

    name = "dice"
    title = "The mean of some dice"
    objective = Objective(name="distance", unit="pips")
    descriptors = (Descriptor(name="guess", low=0.0, high=6.0, bins=6, unit="pips"),)
    interface = NumberInterface()

    def seed(self) -> Candidate:
        return guess(1.0)

    def baselines(self) -> Sequence[Baseline]:
        return (Baseline(name="middle", title="The middle of a die", candidate=guess(3.0)),)

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 0, "validation": 100, "heldout": 200}[split]
        return tuple(Workload(name=f"{split}/{seed}", split=split, seed=seed) for seed in range(first, first + 4))

    def measure(self, subject: float, workload: Workload) -> Measurement:
        rng = Random(workload.seed)
        mean = sum(rng.randint(1, 6) for _ in range(400)) / 400
        return Measurement(workload=workload.name, objective=abs(subject - mean), descriptors={"guess": subject})

    def probe(self) -> None:
        return None


def problem(options: Mapping[str, str]) -> Dice:
    return Dice()


class NumberEvaluator:
    """Judges the kind ``number``."""

    def screen(self, problem: Problem[float], candidate: Candidate) -> CandidateFault | None:
        try:
            float(candidate.source)
        except ValueError:
            return CandidateFault(Status.INVALID, f"expected one number, got {candidate.source[:40]!r}")
        return None

    def open(self, problem: Problem[float], candidate: Candidate, place: Place) -> Session[float]:
        return Session(float(candidate.source), Cost, lambda: None, labels=("not executed",))

    def inline(self, problem: Problem[float], candidate: Candidate) -> float:
        return float(candidate.source)

    def behaviour(self, problem: Problem[float], subject: float) -> str | None:
        return None

    def recorded_probe(self, problem: Problem[float]) -> None:
        return None


def walled() -> Sandbox:
    """Return a sandbox of our own: here the built-in one under another name."""
    from speciate.evaluators.sandbox import Bubblewrap

    class Walled(Bubblewrap):
        name = "walled"

    return Walled()


class Counted:
    """Judges in this process and leaves a count behind, so that a test can see that it was used."""

    def __init__(self, workers: int):
        self.count = 0

    def submit(self, task: JudgeTask, cache: EvaluationCache | None = None) -> "Future[Evaluation]":
        future: Future[Evaluation] = Future()
        future.set_result(judge(task, cache))
        self.count += 1
        return future

    def close(self) -> None:
        with open(os.environ["DICE_COUNT"], "a", encoding="ascii") as file:
            file.write(f"{self.count}\n")


class Digits:
    """Proposes numbers around the best so far, for any problem whose candidates are numbers in a text file."""

    name = "digits"

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        parents = (view.elites[0].ticket,) if view.elites else ()
        return Draw("nudge", parents, rng.getrandbits(32))

    async def write(self, task: Task) -> Proposal:
        base = float(task.parents[0].candidate.source) if task.parents else 3.0
        return Proposal(guess(base + Random(task.draw.seed).gauss(0, 0.3)), idea="a little beside the best")

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> None:
        return None


def digits(problem: Problem[float], settings: RunSettings) -> Digits:
    return Digits()
