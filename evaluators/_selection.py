"""Choosing the best of several designs whose measurements are noisy, with a fixed number of measurements.

Measurements are made in waves: in a wave every arm still in the race is measured once, all at the same
repetition. Where the problem draws its noise from the repetition (common random numbers), arms are compared
on the same draws, and differences are paired. Pure: nothing is measured here, and there is no clock.

Sequential halving with a fixed budget: Karnin, Koren and Somekh, "Almost optimal exploration in multi-armed
bandits", ICML 2013. Here the first round takes half of the budget and each later one half of what is left:
their equal rounds give 20 arms too few measurements before the first ten are dropped.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ._errors import SpeciateError

MIN_WAVES = 3
"""Waves before an interval may drop an arm: two differences that happen to be equal are no proof."""
ERROR = 0.05
"""How often, at most, intervals may drop the best arm: shared evenly between all arms and all waves (Bonferroni)."""


class Pull(NamedTuple):
    """One measurement that is wanted."""

    arm: int
    repetition: int


class Choice(NamedTuple):
    """Which arm won, and on what evidence."""

    arm: int | None
    """Index of the winner; None where every arm failed."""
    decided: bool
    """Whether intervals alone dropped every other arm; if not, the budget ended and the best mean won."""
    measurements: int
    means: tuple[float | None, ...]
    """Of each arm, over the repetitions it was measured at; None where it never was, or failed."""
    waves: int


class Selection:
    """Asks for measurements, is told them, and names the arm with the lowest mean.

    The same answers lead to the same questions, so a selection that was cut off goes on when it is told again
    what is known.

    Args:
        arms: how many designs there are, at least 1.
        budget: most measurements over all arms; at least one an arm.
        first: the repetition of the first wave.

    Raises SpeciateError for a budget that does not measure each arm once.

    >>> truth = (3.0, 1.0, 2.0)
    >>> selection = Selection(arms=3, budget=12)
    >>> while wave := selection.wanted():
    ...     for pull in wave:
    ...         selection.tell(pull, truth[pull.arm])
    >>> selection.choice().arm, selection.choice().decided, selection.choice().measurements
    (1, True, 9)
    """

    def __init__(self, arms: int, budget: int, first: int = 0):
        if arms < 1 or budget < arms:
            raise SpeciateError(f"expected a budget of at least one measurement an arm, got {budget=} for {arms=}")
        self.budget = budget
        self._first = first
        self._values: list[list[float]] = [[] for _ in range(arms)]
        self._alive = list(range(arms))
        self._pending: dict[int, float | None] = {}
        """Of the wave under way: what has been told, by arm."""
        self._waves = 0
        self._used = 0
        self._halved = False
        """Whether a halving, not an interval, dropped an arm."""
        self._due = self._round()
        self._looks = budget // 2 * max(1, arms - 1)

    def wanted(self) -> tuple[Pull, ...]:
        """Return what is missing of the wave under way; empty once the choice is made."""
        if self._over():
            return ()
        repetition = self._first + self._waves
        return tuple(Pull(arm, repetition) for arm in self._alive if arm not in self._pending)

    def tell(self, pull: Pull, value: float | None) -> None:
        """Take a measurement, lower being better; None for a failure, which takes the arm out of the race.

        Raises SpeciateError for a measurement that was not asked for.
        """
        if pull not in self.wanted():
            raise SpeciateError(f"expected one of the measurements asked for, got {pull}")
        self._pending[pull.arm] = value
        self._used += 1
        if len(self._pending) == len(self._alive):
            self._close_wave()

    def choice(self) -> Choice:
        """Return the arm that is best so far: final once nothing is wanted."""
        means = tuple(math.fsum(v) / len(v) if v else None for v in self._values)
        arm = min(self._alive, key=self._rank) if self._alive and self._waves else None
        decided = len(self._alive) == 1 and not self._halved
        return Choice(arm, decided, self._used, means, self._waves)

    def _over(self) -> bool:
        alone = len(self._alive) <= 1 and self._waves > 0
        # A wave is begun only if it can be finished, so the budget is never passed.
        broke = not self._pending and self._used + len(self._alive) > self.budget
        return alone or broke or not self._alive

    def _close_wave(self) -> None:
        for arm, value in self._pending.items():
            if value is None or not math.isfinite(value):
                self._alive.remove(arm)
                self._values[arm] = []
            else:
                self._values[arm].append(value)
        self._pending = {}
        self._waves += 1
        self._drop_by_interval()
        if self._waves >= self._due and len(self._alive) > 1:
            keep = (len(self._alive) + 1) // 2
            if keep > 1:
                self._halved = True
                self._alive = sorted(sorted(self._alive, key=self._rank)[:keep])
            self._due = self._waves + self._round()

    def _round(self) -> int:
        """Return how many waves the next round has: half of the budget that is left, all of it for two arms."""
        left, arms = self.budget - self._used, len(self._alive)
        share = left if arms <= 2 else left // 2
        return max(1, share // max(1, arms))

    def _rank(self, arm: int) -> tuple[float, int]:
        values = self._values[arm]
        return math.fsum(values) / len(values), arm

    def _drop_by_interval(self) -> None:
        """Drop every arm whose paired difference to the leader has an interval above zero."""
        if self._waves < MIN_WAVES or len(self._alive) < 2:
            return
        from scipy.special import stdtrit

        leader = min(self._alive, key=self._rank)
        best = self._values[leader]
        critical = float(stdtrit(self._waves - 1, 1 - ERROR / self._looks))
        for arm in [arm for arm in self._alive if arm != leader]:
            gaps = [ours - theirs for ours, theirs in zip(self._values[arm], best, strict=True)]
            if lower_end(gaps, critical) > 0:
                self._alive.remove(arm)


def lower_end(values: Sequence[float], critical: float) -> float:
    """Return mean - ``critical`` standard errors of at least two values."""
    n = len(values)
    mean = math.fsum(values) / n
    variance = math.fsum((x - mean) ** 2 for x in values) / (n - 1)
    return mean - critical * math.sqrt(variance / n)
