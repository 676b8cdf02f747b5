"""What a problem must say to be judged: the contract that problem folders implement."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from ._contract import Candidate, Evaluation, Frozen, Measurement, Split, Workload
from ._interface import PolicyInterface

Kind = Literal["policy", "plan", "kernel", "program", "command"]


class Objective(Frozen):
    """The number that is optimised."""

    name: str
    unit: str
    direction: Literal["minimize", "maximize"] = "minimize"


class Descriptor(Frozen):
    """A measured behaviour: one axis of the MAP-Elites grid. Values outside the range go to the edge cells."""

    name: str
    low: float
    high: float
    bins: int = Field(ge=1)
    unit: str = ""
    about: str = ""


class Limits(Frozen):
    """What one candidate may use while it is judged."""

    wall_s: float = 30.0
    """Wall seconds a workload: a split of n workloads has n times this in all."""
    cpu_s: float = 15.0
    """CPU seconds of the candidate's own process, likewise a workload."""
    decision_wall_s: float = 1.0
    """Wall seconds for one answer (checked about every 50 ms)."""
    start_wall_s: float = 10.0
    """Wall seconds to load the candidate's module."""
    memory_bytes: int = 512 << 20
    output_bytes: int = 1 << 20
    """Of stdout and stderr together."""
    source_bytes: int = 64 << 10


    def for_workloads(self, count: int) -> "Limits":
        """Return the limits of one process that answers ``count`` workloads."""
        return self.model_copy(update={"wall_s": self.wall_s * count, "cpu_s": self.cpu_s * count})


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
    control: bool = False
    """True for a design that is a yardstick and not a contender (random)."""


class ProbeCall(NamedTuple):
    """One seeded observation of rung 2."""

    hook: str
    values: tuple[float, ...]


class Probe(Frozen):
    """A few hundred decisions that tell behaviours apart cheaply."""

    rows: int
    calls: tuple[ProbeCall, ...]


class Policy(Protocol):
    """A candidate (or a trusted stand-in) that answers decisions, one workload at a time."""

    def begin(self, rows: int) -> None:
        """Start a workload whose observations carry ``rows`` table rows; the candidate's module runs afresh."""

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        """Return the fast call for one hook.

        It takes the observation (``Hook.width(rows)`` doubles), returns an answer already copied and checked
        against ``Hook.answer``, and raises CandidateFault when there is none. Ask anew after each ``begin``.
        """


class Problem(ABC):
    """A thing to invent. Subclasses live in problem folders; the judge calls only what is here.

    ``measure`` runs in the trusted process and must be a pure function of the workload and the answers.
    """

    name: str
    """kebab-case, as typed on the command line."""
    title: str
    family: str
    kind: Kind = "policy"
    version: str
    """Part of every evaluation's key: raise it when a score could change."""
    objective: Objective
    descriptors: tuple[Descriptor, ...]
    interface: PolicyInterface
    limits: Limits = Limits()

    @abstractmethod
    def seed(self) -> Candidate:
        """Return the program a search starts from."""

    @abstractmethod
    def baselines(self) -> Sequence[Baseline]:
        """Return the human designs, tuned."""

    @abstractmethod
    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the workloads of one split, in a fixed order, cheapest verdict first."""

    @abstractmethod
    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run the world on ``workload`` with ``policy`` deciding. CandidateFault passes through."""

    @abstractmethod
    def score(self, measurements: Sequence[Measurement]) -> float:
        """Aggregate the measurements of one split into the number the archive compares."""

    @abstractmethod
    def bound(self, workload: Workload) -> float | None:
        """Return a proven limit no objective can pass on this workload, or None. Passing it is an alarm."""

    @abstractmethod
    def brief(self) -> str:
        """Return the Markdown an inventor reads: task, interface, what is known, measured headroom."""

    @abstractmethod
    def probe(self) -> Probe:
        """Return the seeded observations of rung 2."""

    def describe(self, measurements: Sequence[Measurement]) -> dict[str, float]:
        """Return the candidate's descriptors: the mean over its measurements."""
        return {
            axis.name: sum(m.descriptors[axis.name] for m in measurements) / len(measurements)
            for axis in self.descriptors
        }


class EvaluationCache(Protocol):
    """What the judge may ask about the past. Implemented by the archive; picklable; sees a fixed past only."""

    def by_source(self, candidate_id: str) -> Evaluation | None:
        """Return the finished train evaluation of the same canonical source, if any."""

    def by_decisions(self, decision_hash: str) -> Evaluation | None:
        """Return the finished train evaluation of a candidate that answered the probe alike, if any."""


ProblemFactory = Callable[[Mapping[str, str]], Problem]
"""What an entry point of group ``speciate.problems`` names: options (``--option key=value``) to a problem."""


class ProblemRef(Frozen):
    """A problem as data: what a run records and what is sent to a judging process."""

    name: str
    """Entry-point name, or a path to a folder or file that defines ``problem``."""
    options: dict[str, str] = Field(default_factory=dict)
