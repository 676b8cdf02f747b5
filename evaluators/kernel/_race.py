"""A kernel beside its bar, call by call: the same fresh inputs for both, in alternating order, and answers looked at.

Wherever a kernel runs, this is what its timed calls are made of; whose clock counts, and what else is asked of it,
is for the timing on a core (``_timing``) or on a GPU (``_gpu_timing``) to say.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._contract import Status
from ._arena import POISONS, Arrays, Contents, Slot, guard_words, laid
from ._checks import Truth, require_whole, truth_of
from ._interface import KernelInterface, Sizes
from ._session import Lap, Runner, Subject

if TYPE_CHECKING:
    from ._problem import KernelProblem

HARD = ("pareto", "offset")
"""Distributions of one call of each of these: who is right on mild values only, where it is timed, is found out."""
HARD_SLACK = 4.0
"""What such a call may err, in units of what is allowed elsewhere: long plain sums of heavy-tailed values need 0.8."""
CHECKED_EVERY = 6
"""Of one pair in so many a call has its values checked beside what the bar answered; which, only the judge knows."""
IMPOSSIBLE = 4.0
"""A kernel this much faster than copying as many bytes has not done its work."""
TIMED = "uniform"
"""Distribution of what timed calls are given: the quickest to draw."""
ELSEWHERE_BYTES = 64 << 20
"""Of an arena, beside those of the calls: by so much they may begin later."""
_PLACES = 8
"""Where they may begin: few, so that who remembers answers by their addresses meets them again, and other inputs."""
_RESAMPLES = 2000


class Pairs(NamedTuple):
    """What pairs of seconds tell of the first over the second."""

    ratio: float
    """Median of the pairs' ratios."""
    low: float
    """Lower end of its 95 % bootstrap interval."""
    high: float


def pairs_of(seconds: NDArray[np.float64]) -> Pairs:
    """Return the figures of pairs, ``(n, 2)``."""
    ratios = seconds[:, 0] / seconds[:, 1]
    return Pairs(float(np.median(ratios)), *interval(ratios))


def interval(ratios: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the median; the same ratios have the same one."""
    drawn = np.random.default_rng(0).choice(ratios, (_RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return float(low), float(high)


def slots_of(interface: KernelInterface, sizes: Sizes, count: int, start: int = 0) -> list[Slot]:
    """Return where the buffers of so many calls lie from ``start`` on, one behind the other."""
    slots: list[Slot] = []
    for _ in range(count):
        slots.append(laid(interface, sizes, slots[-1].end if slots else start))
    return slots


class Race:
    """The pairs of one kernel and one bar on one workload, so many calls a time."""

    def __init__(
        self, problem: "KernelProblem", kernel: Subject, bar: Runner, sizes: Sizes, calls: int, rng: np.random.Generator
    ):
        self.calls = calls
        self.error = 0.0
        """Largest error of the checked calls so far, as a share of what is allowed."""
        self._problem = problem
        self._kernel = kernel
        self._bar = bar
        self._sizes = sizes
        self._rng = rng
        self._guard = guard_words(rng)
        self._truth: Truth | None = None
        self._hard = list(HARD)

    def pair(self, quiet: AbstractContextManager[object], *, kernel_first: bool) -> tuple[Lap, Lap]:
        """Return what the kernel and the bar took, one after the other under ``quiet``.

        Raises CandidateFault for a call that was wrong.
        """
        inputs = [self._problem.inputs(self._sizes, TIMED, self._rng) for _ in range(self.calls)]
        hard = int(self._rng.integers(0, len(inputs))) if self._hard else None
        if hard is not None:
            inputs[hard] = self._problem.inputs(self._sizes, self._hard.pop(), self._rng)
        # Elsewhere each time: some parts of a memory are slower than others, and not the same ones of the other's.
        start = int(self._rng.integers(0, _PLACES)) * (ELSEWHERE_BYTES // _PLACES)
        slots = slots_of(self._problem.interface, self._sizes, self.calls, start)
        order = [slots[i] for i in self._rng.permutation(len(slots))]
        poison = POISONS[int(self._rng.integers(0, len(POISONS)))]
        laps: dict[bool, Lap] = {}
        calls: dict[bool, list[Contents]] = {}
        answers: dict[bool, list[Arrays]] = {}
        # Both sides are treated alike in all that touches their memory: what the judge read last of one is found in
        # caches the next time, and made a kernel 5 % faster than itself.
        runners = (self._kernel, self._bar) if kernel_first else (self._bar, self._kernel)
        with quiet:
            for runner in runners:
                ours = runner is self._kernel
                calls[ours] = [Contents(runner.arena, *each, self._guard) for each in zip(order, inputs, strict=True)]
                runner.prepare(order)
                for each in calls[ours]:
                    each.write(poison)
                laps[ours] = runner.run()
                answers[ours] = [each.outputs() for each in calls[ours]]
            trespasses = {ours: [each.trespass() for each in made] for ours, made in calls.items()}
        for trespass, found in zip(trespasses[True], answers[True], strict=True):
            require_whole(self._kernel, trespass, found, "a timed call")
        if hard is not None:
            self._require_right(truth_of(self._problem, inputs[hard], self._sizes), answers[True][hard], HARD_SLACK)
        else:
            self._check(inputs, answers[True], answers[False])
        return laps[True], laps[False]

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
        self.error = max(self.error, self._require_right(self._truth, ours[at]))

    def _require_right(self, truth: Truth, found: Arrays, slack: float = 1.0) -> float:
        share, where = truth.worst(found)
        if not share <= slack:
            raise self._kernel.wrong(f"a timed call: {where} ({share:.3g} times the error allowed)")
        return share


def require_possible(kernel: Subject, kernel_s: float, copied_s: float) -> None:
    """Raise CandidateFault(CHEATED) for a call that is quicker than its bytes can be moved."""
    if kernel_s * IMPOSSIBLE < copied_s:
        detail = f"one call takes {kernel_s * 1e6:.3g} us; copying its bytes takes {copied_s * 1e6:.3g} us at best"
        raise kernel.wrong(f"impossible: {detail}", Status.CHEATED)
