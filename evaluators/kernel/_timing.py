"""How long does a kernel take, in units of its bar's time? By the judge's clock, in pairs, on inputs of their own.

A pair is one timing of the kernel and one of the bar, on the same fresh inputs, in alternating order, on one core;
before each, guards, outputs and inputs are written anew, so that both find memory in the same state. The figure is
the median of the pairs' ratios, with a bootstrap interval: in runs of one kernel against itself on a loaded machine
single pairs lay between 0.74 and 1.56 and medians between 0.97 and 1.01, while ratios of least times were worse. A pair
in which either side had to wait for the core tells nothing of the two, and is made again.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._claims import claimed
from .._contract import Status
from ._arena import POISONS, Arrays, Contents, Slot, guard_words, laid
from ._checks import Truth, answered, truth_of
from ._interface import KernelInterface, Sizes
from ._session import Lap, Runner

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel

PAIRS = 15
MOST_PAIRS = 30
"""Made where some are disturbed: somebody else had the core for a while."""
LEAST_PAIRS = 8
"""Undisturbed ones that do; with fewer, all count, as they do of a kernel that waits by itself."""
WARM_UP = 2
"""Pairs before them, which look the same from the kernel's side and do not count."""
HARD = ("pareto", "offset")
"""Distributions of one call of each of these: who is right on mild values only, where it is timed, is found out."""
HARD_SLACK = 4.0
"""What such a call may err, in units of what is allowed elsewhere: long plain sums of heavy-tailed values need 0.8."""
ATTEMPTS = 3
"""How often all pairs are made where the clocks disagree."""
DISAGREE = 0.25
"""Share by which the ratio of wall times may differ from that of CPU times."""
ASKING_S = 50e-6
"""Wall seconds of a timing that may be nobody's CPU time."""
SAMPLE_BYTES = 8 << 20
"""Calls are timed several at a time until they move so much: then the 10 us of asking count for little."""
MOST_CALLS = 16
CHECKED_EVERY = 3
"""Of one pair in so many a call has its values checked beside what the bar answered; which, only the judge knows."""
IMPOSSIBLE = 4.0
"""A kernel this much faster than copying as many bytes has not done its work."""
TIMED = "uniform"
"""Distribution of what timed calls are given: the quickest to draw."""
OFF_CLOCK = 0.05
"""CPU time that a kernel may take while nothing is asked of it, as a share of what it takes when asked."""
OFF_CLOCK_S = 50e-6
"""And of each pair: it has to say that it is done, and to wait."""
NOISY = "noisy"
LOCK = "speciate-timing"
PATIENCE_S = 0.25
"""How long another judge's pair is waited for; one takes some 20 ms."""
_RESAMPLES = 2000


class Timing(NamedTuple):
    """What the clocks say of one kernel on one workload."""

    ratio: float
    """Median of the pairs' ratios of wall time: kernel over bar."""
    low: float
    """Lower end of its 95 % bootstrap interval."""
    high: float
    cpu_ratio: float
    """The same of CPU times."""
    kernel_s: float
    """Median seconds of one call."""
    bar_s: float
    copy_s: float
    """Of copying as many bytes as a call must move, at best."""
    error: float
    """Largest error of the checked calls, as a share of what is allowed."""
    attempts: int

    @property
    def noisy(self) -> bool:
        """Whether the two clocks tell different stories."""
        return abs(self.ratio / self.cpu_ratio - 1.0) > DISAGREE


def calls_of(problem: "KernelProblem", sizes: Sizes) -> int:
    """Return how many calls one timing is made of."""
    return min(MOST_CALLS, max(1, round(SAMPLE_BYTES / problem.moved_bytes(sizes))))


def slots_of(interface: KernelInterface, sizes: Sizes, count: int) -> list[Slot]:
    """Return where the buffers of so many calls lie, one behind the other."""
    slots: list[Slot] = []
    for _ in range(count):
        slots.append(laid(interface, sizes, slots[-1].end if slots else 0))
    return slots


def timed(problem: "KernelProblem", kernel: "Kernel", bar: Runner, sizes: Sizes, rng: np.random.Generator) -> Timing:
    """Time a kernel against a bar; again, at most ``ATTEMPTS`` times, while the clocks disagree.

    Raises CandidateFault for a call that was wrong, and ``cheated`` for a time that cannot be or a kernel that works
    while nothing is asked of it.
    """
    race = _Race(problem, kernel, bar, sizes, rng)
    with on_core(kernel.cpu):
        with quiet(kernel):
            copied = copy_s(problem.moved_bytes(sizes))
        for attempt in range(1, ATTEMPTS + 1):
            found = race.pairs(copied, attempt)
            if not found.noisy:
                break
    if found.kernel_s * IMPOSSIBLE < copied:
        detail = f"one call takes {found.kernel_s * 1e6:.3g} us; copying its bytes takes {copied * 1e6:.3g} us at best"
        raise kernel.wrong(f"impossible: {detail}", Status.CHEATED)
    return found


class _Race:
    """The pairs of one kernel and one bar on one workload."""

    def __init__(self, problem: "KernelProblem", kernel: "Kernel", bar: Runner, sizes: Sizes, rng: np.random.Generator):
        self._problem = problem
        self._kernel = kernel
        self._bar = bar
        self._sizes = sizes
        self._rng = rng
        self._slots = slots_of(problem.interface, sizes, calls_of(problem, sizes))
        self._guard = guard_words(rng)
        self._truth: Truth | None = None
        self._error = 0.0
        self._hard = list(HARD)
        self._rested_s: float | None = None
        self._allowed_s = 0.0

    def pairs(self, copied: float, attempt: int) -> Timing:
        """Make all pairs once."""
        self._kernel.watchdog.begin()
        laps = self._laps()
        walls = np.array([(ours.wall_s, theirs.wall_s) for ours, theirs in laps])
        cpus = np.array([(ours.cpu_s, theirs.cpu_s) for ours, theirs in laps])
        ratios = walls[:, 0] / walls[:, 1]
        low, high = interval(ratios)
        seconds = np.median(walls, axis=0) / len(self._slots)
        return Timing(
            ratio=float(np.median(ratios)),
            low=low,
            high=high,
            cpu_ratio=float(np.median(cpus[:, 0] / np.maximum(cpus[:, 1], 1e-9))),
            kernel_s=float(seconds[0]),
            bar_s=float(seconds[1]),
            copy_s=copied,
            error=self._error,
            attempts=attempt,
        )

    def _laps(self) -> list[tuple[Lap, Lap]]:
        """Make pairs until ``PAIRS`` of them were left alone; all count where too few were."""
        calm: list[tuple[Lap, Lap]] = []
        disturbed: list[tuple[Lap, Lap]] = []
        for i in range(WARM_UP + MOST_PAIRS):
            pair = self._pair(kernel_first=bool(i % 2))
            if i >= WARM_UP:
                (disturbed if any(map(waited, pair)) else calm).append(pair)
            if len(calm) == PAIRS:
                return calm
        return calm if len(calm) >= LEAST_PAIRS else calm + disturbed

    def _pair(self, *, kernel_first: bool) -> tuple[Lap, Lap]:
        inputs = [self._problem.inputs(self._sizes, TIMED, self._rng) for _ in self._slots]
        hard = int(self._rng.integers(0, len(inputs))) if self._hard else None
        if hard is not None:
            inputs[hard] = self._problem.inputs(self._sizes, self._hard.pop(), self._rng)
        order = [self._slots[i] for i in self._rng.permutation(len(self._slots))]
        poison = POISONS[int(self._rng.integers(0, len(POISONS)))]
        laps: dict[bool, Lap] = {}
        answers: dict[bool, list[Arrays]] = {}
        with quiet(self._kernel):
            for runner in (self._kernel, self._bar) if kernel_first else (self._bar, self._kernel):
                contents = [Contents(runner.arena, *each, self._guard) for each in zip(order, inputs, strict=True)]
                runner.prepare(order)
                for each in contents:
                    each.write(poison)
                ours = runner is self._kernel
                laps[ours] = runner.run()
                answers[ours] = [
                    answered(self._kernel, each, "a timed call") if ours else each.outputs() for each in contents
                ]
        self._require_rest(laps[True])
        if hard is not None:
            self._require_right(truth_of(self._problem, inputs[hard], self._sizes), answers[True][hard], HARD_SLACK)
        else:
            self._check(inputs, answers[True], answers[False])
        return laps[True], laps[False]

    def _require_rest(self, lap: Lap) -> None:
        """Check that the kernel works only when asked: not before its time, nor after it, nor while its bar runs."""
        off_clock_s = self._kernel.off_clock_s
        if self._rested_s is None:
            # The first pair's clock still holds what ran on another core.
            self._rested_s = off_clock_s
        self._allowed_s += OFF_CLOCK * lap.cpu_s + OFF_CLOCK_S
        if (late := off_clock_s - self._rested_s) > self._allowed_s:
            detail = f"took {late * 1e3:.3g} ms of CPU time between calls, while nothing was asked of it"
            raise self._kernel.wrong(detail, Status.CHEATED)

    def _check(self, inputs: Sequence[Arrays], ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> None:
        """Check the values of a call that the bar answered otherwise, and of some at random."""
        if self._truth is None:
            at = int(self._rng.integers(0, len(ours)))
            self._truth = truth_of(self._problem, inputs[at], self._sizes)
        else:
            alike = self._truth.alike
            odd = (i for i in range(len(ours)) if not alike(ours[i], theirs[i], self._rng))
            drawn = int(self._rng.integers(0, len(ours))) if self._rng.random() < 1 / CHECKED_EVERY else None
            found = next(odd, drawn)
            if found is None:
                return
            at = found
            outputs = self._problem.reference(inputs[at], self._sizes, np.float64)
            self._truth = self._truth._replace(outputs=outputs)
        self._error = max(self._error, self._require_right(self._truth, ours[at]))

    def _require_right(self, truth: Truth, found: Arrays, slack: float = 1.0) -> float:
        share, where = truth.worst(found)
        if not share <= slack:
            raise self._kernel.wrong(f"a timed call: {where} ({share:.3g} times the error allowed)")
        return share


def waited(lap: Lap) -> bool:
    """Return whether much of the time was not the kernel's own: its process waited for the core, or for something."""
    return lap.wall_s > (1.0 + DISAGREE) * lap.cpu_s + ASKING_S


def interval(ratios: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the median; the same ratios have the same one."""
    drawn = np.random.default_rng(0).choice(ratios, (_RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return float(low), float(high)


@contextmanager
def quiet(kernel: "Kernel") -> Iterator[None]:
    """Hold the timing lock; what the wait for it takes is not charged to the kernel.

    It is held for one pair at a time: a judge that gets little of its core would make all others wait.
    """
    with ExitStack() as held:
        with kernel.watchdog.rest():
            held.enter_context(timing_lock())
        yield


def timing_lock() -> AbstractContextManager[bool]:
    """Hold the machine's one timing lock: two that time at once would time each other.

    Whoever holds it for longer than ``PATIENCE_S`` gets next to nothing of its core, so it disturbs little, and the two
    clocks tell if it does.
    """
    return claimed(LOCK, PATIENCE_S)


@contextmanager
def on_core(cpu: int) -> Iterator[None]:
    """Keep this thread to one core for a while.

    The judge asks from the core that is timed: the CPU clock of a process that ran on another one is late by up to a
    tick, and a question that crosses cores takes longer.
    """
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@cache
def copy_s(size: int) -> float:
    """Return the least seconds in which this core moves ``size`` bytes: half of them read, and written elsewhere."""
    source = np.ones(max(1, size // 16))
    target = np.zeros_like(source)
    taken = []
    for _ in range(9):
        began = time.perf_counter()
        np.copyto(target, source)
        taken.append(time.perf_counter() - began)
    return min(taken)
