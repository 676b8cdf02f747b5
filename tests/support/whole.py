"""A problem of whole programs that is never judged: only what an inventor asks of a problem."""

from collections.abc import Mapping, Sequence

from speciate.evaluators import (
    Baseline,
    Candidate,
    Descriptor,
    Measurement,
    Objective,
    Problem,
    SourceFile,
    Split,
    Workload,
)
from speciate.evaluators._interface import Function, Interface


class Text(Interface):
    """A whole program."""

    kind = "text"
    entry: str

    @property
    def functions(self) -> tuple[Function, ...]:
        return ()

    def signatures(self) -> tuple[str, ...]:
        return (self.entry,)

    def description(self) -> str:
        return f"Write `{self.entry}`, which prints its answer."


class Whole(Problem[object]):
    """Programs of so many files in a language: the first is the seed, the others are baselines."""

    name = "whole"
    title = "Whole programs"
    objective = Objective(name="time", unit="s")
    descriptors = (Descriptor(name="size", low=0, high=1, bins=2),)

    def __init__(self, language: str, *programs: Mapping[str, str]):
        self._seed, *self._others = (
            Candidate(files=tuple(SourceFile(path=k, text=v) for k, v in each.items()), language=language)
            for each in programs
        )
        self.interface = Text(entry=self._seed.files[0].path)

    def seed(self) -> Candidate:
        return self._seed

    def baselines(self) -> Sequence[Baseline]:
        return [Baseline(name=f"b{n}", title="b", candidate=each) for n, each in enumerate(self._others)]

    def workloads(self, split: Split) -> Sequence[Workload]:
        return ()

    def measure(self, subject: object, workload: Workload) -> Measurement:
        raise NotImplementedError

    def probe(self) -> None:
        return None
