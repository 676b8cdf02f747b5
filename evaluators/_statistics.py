"""Paired statistics on common random numbers: is a design better than another, by how much, how surely?

The unit of replication is the *seed*: workloads that share a seed share their arrivals and lengths, so their
scores are averaged first (by the problem's own ``score``) and only seeds are treated as independent. Where the
judge is noisy and there are few seeds, it is the *repetition*: then the claim is about these very workloads.

Two intervals are given, since either may mislead alone. Student's t assumes gains that are about normal. The
exact one assumes only that they lie symmetrically about their centre: it is read off the means of all subsets
of the gains, among which the true centre is equally likely to fall into each of the 2^n gaps (Hartigan, "Using
subsample values as typical values", JASA 64, 1969); it is the sign-flip test turned around.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

from ._contract import Measurement, Workload
from ._errors import SpeciateError
from ._problem import Problem

MIN_PAIRS = 2
EXACT_PAIRS = 6
"""The fewest pairs for which the exact interval is bounded at 95 %: before, 2.5 % of 2^n is less than one gap."""
EXACT_FLIPS = 14
"""Up to this many pairs all 2^n flips or subsets are enumerated; beyond, the test uses the normal limit and the
interval ``SUBSETS`` seeded random subsets."""
SUBSETS = 4096
LEVEL = 0.05
"""Of every interval and test here: 95 % intervals."""


class PairedGain(NamedTuple):
    """Relative improvement of one design over another, paired by seed or by repetition."""

    gain: float
    """Mean over pairs of (theirs - ours) / |theirs|, sign turned so that positive is better."""
    low: float
    """Lower end of the 95 % Student-t interval."""
    high: float
    effect: float
    """Cohen's d_z: mean over standard deviation of the paired gains; inf where they are all equal and not 0."""
    p_value: float
    """Two-sided sign-flip test."""
    wins: int
    """Pairs in which ours is better."""
    pairs: tuple[float, ...]
    """The gain of each pair, in order of seed or repetition."""
    exact_low: float
    """Lower end of the exact 95 % interval; -inf with fewer than ``EXACT_PAIRS`` pairs."""
    exact_high: float
    unit: str = "seed"
    """What the pairs are: ``seed`` or ``repetition``."""

    @property
    def excludes_zero(self) -> bool:
        """Whether the Student-t interval lies wholly on one side of zero."""
        return self.low > 0 or self.high < 0

    @property
    def better(self) -> bool:
        """Whether ours is better beyond doubt: both intervals above zero, the exact one where there is one."""
        return self.low > 0 and (self.exact_low > 0 or len(self.pairs) < EXACT_PAIRS)


class Evidence(Protocol):
    """What a claim is built from: one design compared with one rival."""

    @property
    def gain(self) -> float:
        """Mean gain; positive is better."""

    @property
    def low(self) -> float:
        """Lower end of its interval."""

    @property
    def p_value(self) -> float:
        """Two-sided."""

    @property
    def better(self) -> bool:
        """Whether the interval lies above zero."""


class Claim(NamedTuple):
    """Whether a design is better than all its rivals."""

    holds: bool
    weakest: str | None
    """The rival over whom the gain is least sure; None without rivals."""
    p_value: float
    """Largest over the rivals; 1 where the gain over any of them is not positive, or there is none."""
    rivals: int


def claim_over(gains: Mapping[str, Evidence]) -> Claim:
    """Return whether the gain over *every* rival is certain, and how surely.

    This is an intersection-union test (Berger, "Multiparameter hypothesis testing and acceptance sampling",
    Technometrics 24, 1982): to claim "better than all" wrongly, the one comparison that is false must be passed
    wrongly, so each is made at the full level and the whole keeps that level, however many rivals there are.
    Several such claims side by side (several champions in one table) need ``holm``.
    """
    if not gains:
        return Claim(holds=False, weakest=None, p_value=1.0, rivals=0)
    weakest = min(gains, key=lambda name: (gains[name].better, gains[name].low))
    p_value = max(each.p_value if each.gain > 0 else 1.0 for each in gains.values())
    return Claim(all(each.better for each in gains.values()), weakest, p_value, len(gains))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the p-values adjusted for being several, in their order: at most ``LEVEL`` means that it holds.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979:
    the chance of even one false claim stays at the level, whatever the dependence between them.

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return tuple(adjusted)


def paired_gain(
    problem: Problem[Any], workloads: Sequence[Workload], ours: Sequence[Measurement], theirs: Sequence[Measurement]
) -> PairedGain:
    """Return how much better ``ours`` scores than ``theirs`` on the same ``workloads``, paired by seed.

    Raises SpeciateError where the two were not measured on exactly these workloads.
    """
    return repeated_gain(problem, workloads, [ours], [theirs])


def repeated_gain(
    problem: Problem[Any],
    workloads: Sequence[Workload],
    ours: Sequence[Sequence[Measurement]],
    theirs: Sequence[Sequence[Measurement]],
) -> PairedGain:
    """Return how much better ``ours`` scores than ``theirs``, each measured at the same repetitions.

    Pairs are seeds, each averaged over the repetitions, where there are ``EXACT_PAIRS`` of them or as many as
    there are repetitions; else they are repetitions.

    Args:
        problem: whose ``score`` and direction count.
        workloads: what was measured.
        ours: the measurements of each repetition.
        theirs: likewise, in the same order of repetitions.

    Raises SpeciateError where the two were not measured on exactly these workloads, or not equally often.
    """
    if len(ours) != len(theirs):
        raise SpeciateError(f"expected as many repetitions of either design, got {len(ours)} and {len(theirs)}")
    seeds = {workload.seed for workload in workloads}
    unit = "seed" if len(seeds) >= min(EXACT_PAIRS, len(ours)) else "repetition"
    sides = []
    for side in (ours, theirs):
        scored = [scores_by_seed(problem, workloads, measured) for measured in side]
        if unit == "seed":
            sides.append([math.fsum(each[seed] for each in scored) / len(scored) for seed in sorted(seeds)])
        else:
            sides.append([problem.score(_ordered(workloads, measured)) for measured in side])
    sign = 1.0 if problem.objective.direction == "minimize" else -1.0
    return gain_of_pairs(_shares(sides[0], sides[1], sign), unit)


def _ordered(workloads: Sequence[Workload], measurements: Sequence[Measurement]) -> list[Measurement]:
    by_name = {m.workload: m for m in measurements}
    return [by_name[workload.name] for workload in workloads]


def _shares(ours: Sequence[float], theirs: Sequence[float], sign: float) -> list[float]:
    """Return the gains as shares of theirs; of their mean size where one of theirs is zero."""
    mean = math.fsum(abs(x) for x in theirs) / len(theirs)
    scales = [abs(x) for x in theirs] if all(theirs) else [mean or 1.0] * len(theirs)
    return [sign * (b - a) / scale for a, b, scale in zip(ours, theirs, scales, strict=True)]


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


def gain_of_pairs(pairs: Sequence[float], unit: str = "seed") -> PairedGain:
    """Return the statistics of paired gains. Raises SpeciateError for fewer than two pairs."""
    n = len(pairs)
    if n < MIN_PAIRS:
        raise SpeciateError(f"an interval needs at least {MIN_PAIRS} {unit}s, got {n}")
    from scipy.special import stdtrit

    mean = math.fsum(pairs) / n
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in pairs) / (n - 1))
    half = float(stdtrit(n - 1, 1 - LEVEL / 2)) * deviation / math.sqrt(n)
    effect = mean / deviation if deviation > 0 else (math.copysign(math.inf, mean) if mean else 0.0)
    exact_low, exact_high = exact_interval(pairs)
    return PairedGain(
        gain=mean,
        low=mean - half,
        high=mean + half,
        effect=effect,
        p_value=sign_flip_p_value(pairs),
        wins=sum(x > 0 for x in pairs),
        pairs=tuple(pairs),
        exact_low=exact_low,
        exact_high=exact_high,
        unit=unit,
    )


def exact_interval(pairs: Sequence[float]) -> tuple[float, float]:
    """Return the exact 95 % interval for the centre of symmetry of ``pairs``, by the means of their subsets.

    Unbounded with fewer than ``EXACT_PAIRS`` pairs. Where the gains are more than ``EXACT_FLIPS``, random subsets
    stand for all of them; their seed is fixed, so the same gains have the same interval.
    """
    n = len(pairs)
    if n < EXACT_PAIRS:
        return -math.inf, math.inf
    if n <= EXACT_FLIPS:
        sums = [0.0]
        for x in pairs:
            sums += [total + x for total in sums]
        means = sorted(sums[subset] / subset.bit_count() for subset in range(1, len(sums)))
    else:
        rng = Random("exact_interval")
        chosen = [[x for x in pairs if rng.random() < 0.5] or [pairs[0]] for _ in range(SUBSETS)]
        means = sorted(sum(subset) / len(subset) for subset in chosen)
    skipped = math.floor(LEVEL / 2 * (len(means) + 1))
    return means[skipped - 1], means[-skipped]


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


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation, equal values sharing their mean rank; None where one side is all the same.

    Args:
        one: values of some things.
        other: of the same things, in the same order.

    Raises ValueError where they are not as many.
    """
    if len(one) != len(other):
        raise ValueError(f"expected two values of each, got {len(one)} and {len(other)}")
    first, second = _midranks(one), _midranks(other)
    mean = (len(one) + 1) / 2
    spreads = [math.fsum((rank - mean) ** 2 for rank in ranks) for ranks in (first, second)]
    if not all(spreads):
        return None
    joint = math.fsum((a - mean) * (b - mean) for a, b in zip(first, second, strict=True))
    return joint / math.sqrt(math.prod(spreads))


def _midranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [(bisect_left(ordered, value) + bisect_right(ordered, value) + 1) / 2 for value in values]
