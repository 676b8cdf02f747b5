"""Paired statistics on common random numbers: is a design better than another, by how much, how surely?

The unit of replication is the *seed*: workloads that share a seed share their arrivals and lengths, so their
scores are averaged first (by the problem's own ``score``) and only seeds are treated as independent.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ._contract import Measurement, Workload
from ._errors import SpeciateError
from ._problem import Problem

MIN_PAIRS = 2
EXACT_FLIPS = 14
"""Up to this many pairs the sign-flip test enumerates all 2^n flips; beyond, it uses the normal limit."""


class PairedGain(NamedTuple):
    """Relative improvement of one design over another, paired by seed."""

    gain: float
    """Mean over seeds of (theirs - ours) / |theirs|, sign turned so that positive is better."""
    low: float
    """Lower end of the 95 % Student-t interval."""
    high: float
    effect: float
    """Cohen's d_z: mean over standard deviation of the paired gains; inf where they are all equal and not 0."""
    p_value: float
    """Two-sided sign-flip test."""
    wins: int
    """Seeds on which ours is better."""
    pairs: tuple[float, ...]
    """The gain on each seed, in seed order."""

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of zero."""
        return self.low > 0 or self.high < 0


def paired_gain(
    problem: Problem[Any], workloads: Sequence[Workload], ours: Sequence[Measurement], theirs: Sequence[Measurement]
) -> PairedGain:
    """Return how much better ``ours`` scores than ``theirs`` on the same ``workloads``.

    Raises SpeciateError where the two were not measured on exactly these workloads.
    """
    ours_by_seed = scores_by_seed(problem, workloads, ours)
    theirs_by_seed = scores_by_seed(problem, workloads, theirs)
    sign = 1.0 if problem.objective.direction == "minimize" else -1.0
    return gain_of_pairs(
        [
            sign * (theirs_by_seed[seed] - ours_by_seed[seed]) / abs(theirs_by_seed[seed])
            for seed in sorted(ours_by_seed)
        ]
    )


def scores_by_seed(
    problem: Problem[Any], workloads: Sequence[Workload], measurements: Sequence[Measurement]
) -> dict[int, float]:
    """Return the problem's score for each seed. Raises SpeciateError where a workload is missing or extra."""
    by_name = {m.workload: m for m in measurements}
    names = [w.name for w in workloads]
    if sorted(by_name) != sorted(names):
        missing = sorted(set(names) ^ set(by_name))
        raise SpeciateError(
            f"expected measurements on {len(names)} workloads, got {len(by_name)}; they differ in {missing[:3]}: "
            "designs are compared only on the same workloads"
        )
    seeds: dict[int, list[Measurement]] = {}
    for workload in workloads:
        seeds.setdefault(workload.seed, []).append(by_name[workload.name])
    return {seed: problem.score(group) for seed, group in seeds.items()}


def gain_of_pairs(pairs: Sequence[float]) -> PairedGain:
    """Return the statistics of paired gains. Raises SpeciateError for fewer than two pairs."""
    n = len(pairs)
    if n < MIN_PAIRS:
        raise SpeciateError(f"an interval needs at least {MIN_PAIRS} seeds, got {n}")
    from scipy.special import stdtrit

    mean = math.fsum(pairs) / n
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in pairs) / (n - 1))
    half = float(stdtrit(n - 1, 0.975)) * deviation / math.sqrt(n)
    effect = mean / deviation if deviation > 0 else (math.copysign(math.inf, mean) if mean else 0.0)
    return PairedGain(
        gain=mean,
        low=mean - half,
        high=mean + half,
        effect=effect,
        p_value=sign_flip_p_value(pairs),
        wins=sum(x > 0 for x in pairs),
        pairs=tuple(pairs),
    )


def sign_flip_p_value(pairs: Sequence[float]) -> float:
    """Return the two-sided p-value of the sign-flip test of "the paired gains are symmetric about zero".

    Exact up to ``EXACT_FLIPS`` pairs; the normal approximation with the same variance beyond.
    """
    total = abs(math.fsum(pairs))
    if not any(pairs):
        return 1.0
    if len(pairs) > EXACT_FLIPS:
        return math.erfc(total / math.sqrt(2 * math.fsum(x * x for x in pairs)))
    sums = [0.0]
    for x in pairs:
        sums = [s + x for s in sums] + [s - x for s in sums]
    slack = 1e-12 * math.fsum(abs(x) for x in pairs)
    return sum(abs(s) >= total - slack for s in sums) / len(sums)
