"""How each kind of problem is judged: one evaluator a kind, found by the kind's name.

The ladder is the same for all kinds. What differs is here: how a candidate is screened, how it is started in a
sandbox, what ``Problem.measure`` is handed, and how two behaviours are told apart before they are measured.
"""

from collections.abc import Callable, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar, cast

from .._contract import Candidate, Cost
from .._errors import CandidateFault, ProblemError
from .._plugins import installed, load_installed
from .._problem import Limits, Probe, Problem
from ..sandbox import Sandbox

GROUP = "speciate.evaluators"
"""Entry-point group of further kinds: the kind's name to an ``Evaluator``, or to a function that returns one."""

S = TypeVar("S")


class Place(NamedTuple):
    """Where and under which limits a candidate is to be started."""

    limits: Limits
    sandbox: Sandbox
    cpu: int | None = None
    """Core to pin the candidate to."""


class Session(Generic[S]):
    """A started candidate: what ``measure`` is handed, what it has cost so far, and how it is ended.

    Args:
        subject: the candidate, as its kind lets it be asked.
        cost: returns what the candidate has consumed since its start.
        close: kills it and frees everything it held; safe to repeat.
        labels: what is to be known of the evaluation (``in-process``, ``noisy``); read when it is made.
    """

    def __init__(
        self, subject: S, cost: Callable[[], Cost], close: Callable[[], None], labels: Sequence[str] = ()
    ):
        self.subject = subject
        self.labels = labels
        self._cost = cost
        self._close = close

    @property
    def cost(self) -> Cost:
        """Consumed since the start, by the candidate's own processes."""
        return self._cost()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


class Evaluator(Protocol[S]):
    """Judges one kind of problem. Implementations hold no state."""

    def screen(self, problem: Problem[S], candidate: Candidate) -> CandidateFault | None:
        """Return what can be told from the text alone to be wrong (rung 1), None where nothing is."""

    def open(self, problem: Problem[S], candidate: Candidate, place: Place) -> Session[S]:
        """Start the candidate in a sandbox. Raises CandidateFault, SandboxError, SandboxUnavailableError."""

    def inline(self, problem: Problem[S], candidate: Candidate) -> S:
        """Return the subject of *trusted* code, in this process. Raises CandidateFault, ProblemError."""

    def behaviour(self, problem: Problem[S], subject: S) -> str | None:
        """Return a digest of the answers to the problem's probe (rung 2), None where it has none."""

    def recorded_probe(self, problem: Problem[S]) -> Probe | None:
        """Return the probe that the seed's own run on a train workload gives, None where the kind has none."""


@cache
def evaluator_of(kind: str) -> "Evaluator[Any]":
    """Return the evaluator of a kind. Raises ProblemError for an unknown kind or one that does not import."""
    built_in = _built_in(kind)
    if built_in is not None:
        return built_in
    found = load_installed(GROUP, kind)
    if found is None:
        raise ProblemError(f"unknown kind of problem {kind!r}; expected one of: {', '.join(kinds())}")
    return cast(Evaluator[Any], found() if callable(found) else found)


def kinds() -> list[str]:
    """Return the names of all kinds, built-in first."""
    return [*_BUILT_IN, *sorted(set(installed(GROUP)) - set(_BUILT_IN))]


_BUILT_IN = ("policy", "plan", "program", "command", "kernel", "formula")


def _built_in(kind: str) -> "Evaluator[Any] | None":
    # Imported when asked for, so that a run of one kind does not load the others.
    if kind == "policy":
        from ._policy import PolicyEvaluator

        return PolicyEvaluator()
    if kind == "plan":
        from ._plan import PlanEvaluator

        return PlanEvaluator()
    if kind == "program":
        from ._program import ProgramEvaluator

        return ProgramEvaluator()
    if kind == "command":
        from ._command import CommandEvaluator

        return CommandEvaluator()
    if kind == "kernel":
        from ._kernel import KernelEvaluator

        return KernelEvaluator()
    if kind == "formula":
        from ._formula import FormulaEvaluator

        return FormulaEvaluator()
    return None


def recorded_probe(problem: Problem[Any]) -> Probe | None:
    """Return the probe of a problem that defines none of its own; see ``Evaluator.recorded_probe``."""
    return evaluator_of(problem.kind).recorded_probe(problem)


__all__ = ["Evaluator", "Place", "Session", "evaluator_of", "kinds", "recorded_probe"]
