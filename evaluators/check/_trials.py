"""The judgings that the checks look at: which designs, on which workloads, and what came of it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Literal, NamedTuple

from .._contract import Candidate, Evaluation, Split, Status
from .._errors import SpeciateError
from .._executors import Executor
from .._ladder import JudgeTask
from .._problem import Problem, ProblemRef
from .._registry import problem_of

Role = Literal["baseline", "control", "seed", "constant", "rule", "attack"]
PATIENCE_S = 60.0
"""How much longer than its limits allow a judging is waited for."""
QUICK_WORKLOADS = 3
"""Workloads of a split that a quick check judges."""


class Design(NamedTuple):
    """A candidate, and why it is judged."""

    name: str
    candidate: Candidate
    role: Role


class Breakdown(NamedTuple):
    """The problem itself raised while a design was judged: nobody's evaluation."""

    error: str
    """Type and message, on one line."""


Word = Evaluation | Breakdown


class Trials:
    """Judges designs through the sandbox, several at a time, on the chosen workloads.

    Args:
        ref: the problem, as a judging process loads it.
        executor: who runs the judgings.
        sandbox: name of the sandbox.
        chosen: names of the workloads to judge, by split.
        quick: whether a minute counts for more than the last doubt.
    """

    def __init__(
        self,
        ref: ProblemRef,
        executor: Executor,
        sandbox: str,
        chosen: Mapping[Split, tuple[str, ...]],
        quick: bool,
    ):
        self.ref = ref
        self.sandbox = sandbox
        self.chosen = dict(chosen)
        self.quick = quick
        self._executor = executor
        limits = problem_of(ref).limits.for_workloads(max(map(len, chosen.values())))
        self._patience_s = limits.total_wall_s + PATIENCE_S
        self._stuck = False

    def judge(
        self, designs: Sequence[Design], split: Split, only: tuple[str, ...] = (), repetition: int = 0
    ) -> dict[str, Word]:
        """Return what came of each design, by its name. Raises SpeciateError where nothing can be judged."""
        names = only or self.chosen[split]
        futures = {
            design.name: self._executor.submit(self.task(design.candidate, split, names, repetition))
            for design in designs
        }
        self._await(list(futures.values()))
        words: dict[str, Word] = {}
        for name, future in futures.items():
            try:
                words[name] = future.result(0)
            except SpeciateError:
                raise
            except TimeoutError:
                words[name] = Breakdown(f"nothing ended within {self._patience_s:.0f} s: measure() may never return")
            except Exception as error:  # noqa: BLE001 - the problem's own code raised it, in another process
                words[name] = Breakdown(told(error))
        return words

    def _await(self, futures: "list[Future[Evaluation]]") -> None:
        """Wait until all are done, or until none was for longer than one may take. The limits bind candidates only."""
        left = set(futures)
        while left and not self._stuck:
            done, left = wait(left, self._patience_s, FIRST_COMPLETED)
            self._stuck = not done

    def task(self, candidate: Candidate, split: Split, names: tuple[str, ...], repetition: int = 0) -> JudgeTask:
        """Return one judging, as data."""
        return JudgeTask(
            problem=self.ref,
            candidate=candidate,
            split=split,
            sandbox=self.sandbox,
            only=names,
            repetition=repetition,
        )


def told(error: BaseException) -> str:
    """Return an exception on one line of at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def chosen_workloads(problem: Problem[Any], split: Split, quick: bool) -> tuple[str, ...]:
    """Return the names of the workloads to judge: all, or for a quick check the first of each set of parameters.

    Where a split has fewer sets of parameters than ``QUICK_WORKLOADS``, further seeds fill up.
    """
    workloads = problem.workloads(split)
    if not quick or len(workloads) <= QUICK_WORKLOADS:
        return tuple(workload.name for workload in workloads)
    seen: set[tuple[tuple[str, object], ...]] = set()
    first: list[str] = []
    rest: list[str] = []
    for workload in workloads:
        kind = tuple(sorted(workload.params.items()))
        (rest if kind in seen else first).append(workload.name)
        seen.add(kind)
    picked = set((first + rest)[:QUICK_WORKLOADS])
    return tuple(workload.name for workload in workloads if workload.name in picked)


def score_of(word: Word | None) -> float | None:
    """Return the score of a design that was judged ok, else None."""
    return word.score if isinstance(word, Evaluation) and word.status is Status.OK else None


def outcome(word: Word) -> str:
    """Return how a judging ended, in a word or two: a status, or that the problem broke down."""
    return f"the problem raised {word.error}" if isinstance(word, Breakdown) else str(word.status)


class Yardstick(NamedTuple):
    """What a score is worth on this problem: the best contender, the best control, and the noise."""

    sign: float
    """1 where less is better, -1 where more is."""
    best: float
    """Score of the best contender on train."""
    best_name: str
    control: float | None
    """Score of the best control; of the worst contender where there is no control and it is another one."""
    noise: float = 0.0
    """Standard deviation of a score from one repetition to the next; 0 where the problem is not noisy."""

    def gain(self, score: float, over: float | None = None) -> float:
        """Return by how much ``score`` is better than ``over`` (the best contender's), as a share of the latter."""
        rival = self.best if over is None else over
        scale = abs(rival) or abs(score) or 1.0
        return self.sign * (rival - score) / scale

    def beyond_noise(self, score: float, over: float) -> bool:
        """Return whether ``score`` is better than ``over`` by more than rounding and three deviations."""
        return self.sign * (over - score) > 3 * self.noise + 1e-12 * max(1.0, abs(over))

    def closed(self, score: float) -> float | None:
        """Return which share of the way from the best control to the best contender ``score`` has gone."""
        if self.control is None or self.sign * (self.control - self.best) <= 0:
            return None
        return (self.control - score) / (self.control - self.best)
