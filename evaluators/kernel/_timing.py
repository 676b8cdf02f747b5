"""How long does a kernel take, in units of its bar's time? By the judge's clock, in pairs, on inputs of their own.

A pair is two timings of the kernel and two of the bar, on one core: kernel, bar, bar, kernel or the other way round,
since whoever comes second finds other caches and was up to 7 % slower. Each two have fresh inputs of their own; before
each timing, guards, outputs and inputs are written anew, so that both find memory in the same state. The figure is the
median of the pairs' ratios, with a bootstrap interval, and pairs are made until that is narrow. A pair in which either
side had to wait for the core tells nothing of the two, and is made again.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._claims import claimed
from .._contract import Status
from ._interface import Sizes
from ._race import Race, pairs_of, require_possible
from ._session import Lap, Runner

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel

PAIRS = 8
"""Undisturbed ones, at least."""
MOST_PAIRS = 40
"""Made where the interval is wide, or some are disturbed: somebody else had the core for a while."""
CLOSE = 0.08
"""Half of the interval's width, as a share of the ratio, that will do: what gets ahead is timed again, and what is
claimed is the mean of several repetitions."""
_MORE_PAIRS = 4
"""Made before the interval is looked at again."""
LEAST_PAIRS = 4
"""Undisturbed ones that count alone; with fewer, all count."""
HOPELESS = 3.0
"""A kernel that takes so many times its bar's CPU time in each of the first ``LEAST_PAIRS`` pairs is not timed more
closely: that could take minutes, to tell how far behind it is."""
WARM_UP = 1
"""Pairs before them, which look the same from the kernel's side and do not count."""
ATTEMPTS = 3
"""How often all pairs are made where the clocks disagree."""
DISAGREE = 0.25
"""Share by which the ratio of wall times may differ from that of CPU times."""
ASKING_S = 50e-6
"""Wall seconds of a timing that may be nobody's CPU time."""
SAMPLE_BYTES = 8 << 20
"""Calls are timed several at a time until they move so much: then the 10 us of asking count for little."""
MOST_CALLS = 16
OFF_CLOCK = 0.05
"""CPU time that a kernel may take while nothing is asked of it, as a share of what it takes when asked."""
OFF_CLOCK_S = 50e-6
"""And of each timing: it has to say that it is done, and to wait."""
RESTLESS_PAIRS = 6
"""In which it may take more, and in more of them if they are not most of all: such pairs do not count, so there is
nothing to gain by them, and a host that stops all clocks but this one for a while looks the same."""
NOISY = "noisy"
LOCK = "speciate-timing"
PATIENCE_S = 0.25
"""How long another judge's pair is waited for; half a pair takes some 50 ms."""


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


def timed(problem: "KernelProblem", kernel: "Kernel", bar: Runner, sizes: Sizes, rng: np.random.Generator) -> Timing:
    """Time a kernel against a bar; again, at most ``ATTEMPTS`` times, while the clocks disagree.

    Raises CandidateFault for a call that was wrong, and ``cheated`` for a time that cannot be or a kernel that works
    while nothing is asked of it.
    """
    with on_core(kernel.cpu):
        with quiet(kernel):
            copied = copy_s(problem.moved_bytes(sizes))
        timing = _Timed(Race(problem, kernel, bar, sizes, calls_of(problem, sizes), rng), kernel, copied)
        for attempt in range(1, ATTEMPTS + 1):
            found = timing.pairs(attempt)
            if not found.noisy:
                break
    require_possible(kernel, found.kernel_s, copied)
    return found


class _Timed:
    """The pairs of one kernel and one bar on one core, by two clocks."""

    def __init__(self, race: Race, kernel: "Kernel", copied: float):
        self._race = race
        self._kernel = kernel
        self._copied = copied
        self._rested_s = 0.0

    def pairs(self, attempt: int) -> Timing:
        """Make all pairs once."""
        self._kernel.begin()
        laps = self._laps()
        walls = np.array([(ours.wall_s, theirs.wall_s) for ours, theirs in laps])
        cpus = np.array([(ours.cpu_s, theirs.cpu_s) for ours, theirs in laps])
        seconds = np.median(walls, axis=0) / (2 * self._race.calls)
        found = pairs_of(walls)
        return Timing(
            ratio=found.ratio,
            low=found.low,
            high=found.high,
            cpu_ratio=float(np.median(cpus[:, 0] / np.maximum(cpus[:, 1], 1e-9))),
            kernel_s=float(seconds[0]),
            bar_s=float(seconds[1]),
            copy_s=self._copied,
            error=self._race.error,
            attempts=attempt,
        )

    def _laps(self) -> list[tuple[Lap, Lap]]:
        """Make pairs until those that were left alone tell enough; all count where too few were."""
        calm: list[tuple[Lap, Lap]] = []
        disturbed: list[tuple[Lap, Lap]] = []
        enough, restless = PAIRS, 0
        for i in range(WARM_UP + MOST_PAIRS):
            pair = self._pair(i)
            restless_s = self._restless_s(pair[0])
            if i < WARM_UP:
                continue  # The first pair's clock still holds what ran on another core.
            if restless_s is not None:
                restless += 1
                self._require_rest(restless, i, restless_s)
                continue
            (disturbed if any(map(waited, pair)) else calm).append(pair)
            if len(calm) + len(disturbed) == LEAST_PAIRS and all(map(_far_behind, calm + disturbed)):
                break
            if len(calm) < LEAST_PAIRS and len(disturbed) > 2 * PAIRS:
                break  # It waits by itself.
            if len(calm) == enough:
                if half_width(calm) <= CLOSE:
                    return calm
                enough += _MORE_PAIRS
        return calm if len(calm) >= LEAST_PAIRS else calm + disturbed

    def _pair(self, number: int) -> tuple[Lap, Lap]:
        """Time both in both orders; which of these comes first alternates too."""
        orders = (True, False) if number % 2 else (False, True)
        halves = [self._race.pair(quiet(self._kernel), kernel_first=order) for order in orders]
        return _together([ours for ours, _ in halves]), _together([theirs for _, theirs in halves])

    def _restless_s(self, lap: Lap) -> float | None:
        """Return the CPU seconds that the kernel took while nothing was asked of it, since this was last called.

        Not before its time, nor after it, nor while its bar runs may it work. Returns None for no more than what
        saying and waiting take.
        """
        off_clock_s = self._kernel.off_clock_s
        late, self._rested_s = off_clock_s - self._rested_s, off_clock_s
        return late if late > OFF_CLOCK * lap.cpu_s + 2 * OFF_CLOCK_S else None

    def _require_rest(self, restless: int, pairs: int, last_s: float) -> None:
        if restless > RESTLESS_PAIRS and restless > pairs // 2:
            detail = f"took {last_s * 1e3:.3g} ms of CPU time between calls, while nothing was asked of it"
            raise self._kernel.wrong(detail, Status.CHEATED)


def _far_behind(pair: tuple[Lap, Lap]) -> bool:
    ours, theirs = pair
    return ours.cpu_s > HOPELESS * theirs.cpu_s


def _together(laps: Sequence[Lap]) -> Lap:
    return Lap(sum(lap.wall_s for lap in laps), sum(lap.cpu_s for lap in laps))


def half_width(pairs: Sequence[tuple[Lap, Lap]]) -> float:
    """Return half of the interval's width of the pairs' ratios, as a share of their median."""
    found = pairs_of(np.array([(ours.wall_s, theirs.wall_s) for ours, theirs in pairs]))
    return (found.high - found.low) / (2 * found.ratio)


def waited(lap: Lap) -> bool:
    """Return whether much of the time was not the kernel's own: its process waited for the core, or for something."""
    return lap.wall_s > (1.0 + DISAGREE) * lap.cpu_s + ASKING_S


@contextmanager
def quiet(kernel: "Kernel") -> Iterator[None]:
    """Hold the timing lock; what the wait for it takes is not charged to the kernel.

    It is held for half a pair at a time: a judge that gets little of its core would make all others wait.
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
