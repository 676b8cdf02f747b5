"""What a problem must say to be judged: the contract that problem folders implement."""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import Field, model_validator

from ._contract import Candidate, Evaluation, Frozen, Measurement, SourceFile, Split, Workload
from ._errors import ProblemError
from ._interface import Interface
from ._real import RealTest

S = TypeVar("S")
"""What ``measure`` is handed: the candidate, as its kind lets it be asked (``Policy``, ``Plan``, ``Program``)."""


class Objective(Frozen):
    """The number that is optimised."""

    name: str
    unit: str
    direction: Literal["minimize", "maximize"] = "minimize"


class Descriptor(Frozen):
    """A measured behaviour: one axis of the MAP-Elites archive. Values outside the range go to the edge cells."""

    name: str
    low: float
    high: float
    bins: int = Field(ge=1)
    unit: str = ""
    about: str = ""
    categories: tuple[str, ...] = ()
    """Of a categorical axis: each is a bin, and what is measured is its number. ``low``, ``high`` and ``bins``
    follow from them and may be left out."""

    @classmethod
    def of(cls, name: str, categories: Sequence[str], about: str = "") -> "Descriptor":
        """Return a categorical axis.

        >>> Descriptor.of("order", ("fifo", "sjf")).number("sjf")
        1.0
        """
        return cls.model_validate({"name": name, "categories": tuple(categories), "about": about})

    def number(self, category: str) -> float:
        """Return what a measurement gives for a category. Raises ValueError for one that the axis does not have."""
        if category not in self.categories:
            raise ValueError(f"expected one of {', '.join(self.categories)} for {self.name!r}, got {category!r}")
        return float(self.categories.index(category))

    @model_validator(mode="before")
    @classmethod
    def _numbered(cls, told: Any) -> Any:
        if not isinstance(told, Mapping) or not told.get("categories"):
            return told
        count = len(told["categories"])
        return {"low": 0.0, "high": float(count), "bins": count, **told}

    @model_validator(mode="after")
    def _consistent(self) -> "Descriptor":
        count = len(self.categories)
        if count and (len(set(self.categories)) < count or (self.low, self.high, self.bins) != (0, count, count)):
            raise ValueError("expected categories that differ, without low, high and bins of their own")
        return self


class Limits(Frozen):
    """What one candidate may use while it is judged. The judge enforces all of it, on every process it has."""

    wall_s: float = 30.0
    """Wall seconds for one workload, the world's own time included."""
    cpu_s: float = 15.0
    """CPU seconds of the candidate's own processes for one workload."""
    decision_wall_s: float = 1.0
    """Wall seconds for one answer (checked about every 50 ms)."""
    decision_cpu_s: float = 1.0
    """CPU seconds for one answer, likewise."""
    start_wall_s: float = 10.0
    """Wall seconds to load the candidate's module."""
    memory_bytes: int = 512 << 20
    output_bytes: int = 1 << 20
    """Of stdout and stderr together, over all workloads."""
    source_bytes: int = 64 << 10
    gpus: int = Field(default=0, ge=0)
    """GPUs the candidate may use; only the docker sandbox can hand them out."""
    workloads: int = Field(default=1, ge=1)
    """How many workloads one process answers; set by the judge."""

    def for_workloads(self, count: int) -> "Limits":
        """Return the limits of one process that answers ``count`` workloads."""
        return self.model_copy(update={"workloads": max(1, count)})

    @property
    def total_wall_s(self) -> float:
        """Wall seconds that one process may live: the probe's and every workload's."""
        return self.start_wall_s + self.wall_s * (self.workloads + 1)

    @property
    def total_cpu_s(self) -> float:
        """CPU seconds that one process may use: the probe's and every workload's."""
        return self.cpu_s * (self.workloads + 1)


class Parameter(Frozen):
    """A top-level constant of a baseline that tuning may change."""

    name: str
    low: float
    high: float
    log: bool = False


class Baseline(Frozen):
    """A human design, in its strongest known form, with the constants that tuning chose."""

    name: str
    title: str
    candidate: Candidate
    source: str = ""
    """Where the design is from: a paper, a system, a formula."""
    parameters: tuple[Parameter, ...] = ()
    tuned_evaluations: int | None = None
    """Judgings spent on tuning its constants; None where that is not known, or there is nothing to tune."""
    control: bool = False
    """True for a design that is a yardstick and not a contender (random)."""
    withheld: bool = False
    """True for a mark to reach: it contends, but no search starts from it and no inventor is shown it."""


class Probe(Frozen):
    """Base of what rung 2 asks. Each kind has its own."""


class Problem(ABC, Generic[S]):
    """A thing to invent. Subclasses live in problem folders; the judge calls only what is here.

    A problem must give ``name``, ``title``, ``objective``, ``descriptors`` and ``interface``, and define
    ``workloads`` and ``measure``. All else has a default, to be replaced where the problem knows better: the seed is
    the file ``seed.py`` beside the problem's module, the baselines are the files in ``baselines/``.

    ``measure`` runs in the trusted process and must be a pure function of the workload and the answers, or the
    problem says that it is ``noisy``.
    """

    name: str
    """kebab-case, as typed on the command line."""
    title: str
    family: str = ""
    """Problems that can learn from each other share it."""
    version: str = "1"
    """Part of every evaluation's key: raise it when a score could change."""
    objective: Objective
    objectives: tuple[Objective, ...] = ()
    """Further ones, each the mean of the metric of its name over the workloads. The score alone decides who holds a
    niche and who is champion; parents are the designs of each niche that no other one beats in all of them."""
    descriptors: tuple[Descriptor, ...]
    interface: Interface
    """What a candidate is asked. It fixes the problem's kind."""
    limits: Limits = Limits()
    noisy: bool = False
    """Whether measuring the same candidate on the same workload again gives other figures (real time, say)."""

    @property
    def kind(self) -> str:
        """``policy``, ``plan``, ``program``, ``command``, or one that an installed evaluator brings."""
        return self.interface.kind

    @property
    def folder(self) -> Path:
        """The problem's folder: where its module is."""
        return Path(inspect.getfile(type(self))).parent

    def seed(self) -> Candidate:
        """Return the program a search starts from: ``seed.py`` (the entry's suffix) beside the problem's module.

        Raises ProblemError where there is no such file.
        """
        entry = self.interface.entry
        file = (self.folder / "seed").with_suffix(PurePath(entry).suffix)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProblemError(f"{file}: expected the program that a search starts from: {error}") from error
        files = (SourceFile(path=entry, text=text),)
        return Candidate(files=files, language=self.interface.language, proposer="human", operator="seed")

    @property
    def tuned(self) -> Path:
        """What ``speciate tune --out`` wrote for the problem: the constants of its baselines, and the headroom."""
        return self.folder / "tuned.toml"

    @abstractmethod
    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the workloads of one split, in a fixed order, cheapest verdict first."""

    @abstractmethod
    def measure(self, subject: S, workload: Workload) -> Measurement:
        """Run the world on ``workload`` with the candidate answering.

        A CandidateFault of the subject passes through; raise ``Incorrect`` for an answer that is wrong.
        """

    def baselines(self) -> Sequence[Baseline]:
        """Return the human designs, tuned: the files in ``baselines/``. Without any, nothing can be claimed."""
        from ._baselines import load_baselines  # here, since it imports this module

        folder = self.folder / "baselines"
        if not folder.is_dir():
            return ()
        return load_baselines(folder, self.interface.entry, self.tuned, self.interface.language)

    def experts(self) -> Sequence[Baseline]:
        """Return designs that no proposer is shown: marks to reach, measured on held-out beside the champion."""
        return ()

    def score(self, measurements: Sequence[Measurement]) -> float:
        """Aggregate the measurements of one split into the number the archive compares: their mean objective."""
        return math.fsum(m.objective for m in measurements) / len(measurements)

    def bound(self, workload: Workload) -> float | None:
        """Return a proven limit no objective can pass on this workload, or None. Passing it is an alarm."""
        return None

    def brief(self) -> str:
        """Return the Markdown an inventor reads: ``brief.md`` beside the problem's module, and the interface."""
        own = self.folder / "brief.md"
        told = own.read_text(encoding="utf-8").strip() if own.is_file() else f"# {self.title}"
        goal = f"{self.objective.direction} {self.objective.name} ({self.objective.unit})"
        return f"{told}\n\n## Goal\n\n{goal}.\n\n## Interface\n\n{self.interface.description()}\n"

    def probe(self) -> "Probe | None":
        """Return the questions of rung 2, which tell behaviours apart cheaply; None where there is no such rung.

        Return None too where candidates that answer alike may score differently (their own speed counts).
        The default asks what the seed is asked at the start of the train workloads.
        """
        from .kinds import recorded_probe  # here, since the kinds import this module

        return recorded_probe(self)

    def real(self) -> "RealTest[S] | None":
        """Return how candidates are measured really (rung 6); None where they cannot be."""
        return None

    def describe(self, measurements: Sequence[Measurement]) -> dict[str, float]:
        """Return the candidate's descriptors: the mean over its measurements, or the commonest category.

        Of categories that are equally common it is the first in the axis's order.
        """
        found = {}
        for axis in self.descriptors:
            values = [m.descriptors[axis.name] for m in measurements]
            common = min(values, key=lambda value: (-values.count(value), value)) if axis.categories else None
            found[axis.name] = sum(values) / len(values) if common is None else common
        return found


class EvaluationCache(Protocol):
    """What the judge may ask about the past. Implemented by the archive; picklable; sees a fixed past only."""

    def by_source(self, candidate_id: str) -> Evaluation | None:
        """Return the finished train evaluation of the same canonical source, if any."""

    def by_decisions(self, decision_hash: str) -> Evaluation | None:
        """Return the finished train evaluation of a candidate that answered the probe alike, if any."""


ProblemFactory = Callable[[Mapping[str, str]], Problem[Any]]
"""What an entry point of group ``speciate.problems`` names: options (``--option key=value``) to a problem."""


class ProblemRef(Frozen):
    """A problem as data: what a run records and what is sent to a judging process."""

    name: str
    """Entry-point name, or a path to a folder or file that defines ``problem``."""
    options: dict[str, str] = Field(default_factory=dict)
