"""How many times as fast as others a kernel is: over the best known form, and over the experts' kernels."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from speciate.evaluators import Frozen, KernelProblem, Measurement, Problem, gain_of_pairs
from speciate.evaluators._statistics import MIN_PAIRS

BEST_FORM = "the best known form"
FAST = (0.8, 1.0, 1.5, 2.0)
"""Speedups that a table counts how many kernels have more than."""

Repeated = Sequence[Sequence[Measurement]]
"""The measurements of each repetition, one a workload."""


class Speedup(Frozen):
    """The champion's speed over another's on the held-out sizes: geometric mean over sizes and repetitions."""

    over: str
    """``BEST_FORM`` (at each size the quickest of library forms and seed), or the name of an expert's kernel."""
    value: float
    """Above 1 where the champion is faster."""
    low: float
    """Lower end of the 95 % interval: Student's t on the logarithms, paired by repetition."""
    high: float
    repetitions: int

    @property
    def figures(self) -> str:
        """Return the speedup and its interval."""
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def speedups_of(problem: Problem[Any], ours: Repeated, experts: Mapping[str, Repeated]) -> tuple[Speedup, ...]:
    """Return the champion's speedup over the best known form, then over each expert; empty if it is no kernel.

    Nor has a kernel any whose time is a model's: that is no share of the best known form's.

    What was measured fewer than twice has no interval and is left out.
    """
    if not isinstance(problem, KernelProblem) or problem.is_modelled:
        return ()
    against = [(BEST_FORM, [0.0] * len(ours)), *((name, _logs(problem, theirs)) for name, theirs in experts.items())]
    mine = _logs(problem, ours)
    found = (_speedup(name, mine, theirs) for name, theirs in against)
    return tuple(each for each in found if each is not None)


def _logs(problem: Problem[Any], repeated: Repeated) -> list[float]:
    return [math.log(problem.score(measurements)) for measurements in repeated]


def _speedup(name: str, ours: Sequence[float], theirs: Sequence[float]) -> Speedup | None:
    pairs = [other - own for own, other in zip(ours, theirs, strict=False)]
    if len(pairs) < MIN_PAIRS:
        return None
    found = gain_of_pairs(pairs, "repetition")
    return Speedup(
        over=name,
        value=math.exp(found.gain),
        low=math.exp(found.low),
        high=math.exp(found.high),
        repetitions=len(pairs),
    )


def speedup_words(speedups: Sequence[Speedup]) -> str:
    """Return a sentence on all of them, to follow another; empty where there are none."""
    if not speedups:
        return ""
    told = ", ".join(f"{each.figures} times as fast as {each.over}" for each in speedups)
    return f" On the held-out sizes ({speedups[0].repetitions} repetitions) the champion is {told}; 95 % intervals."


def fast_words(speedups: Sequence[float]) -> str:
    """Return in a sentence how many kernels are how much faster than the best known form, and by how much all are.

    A champion is right, so each counts with its own speedup; KernelBench (arXiv:2502.10517) calls these shares fast_p.
    """
    mean = math.exp(math.fsum(map(math.log, speedups)) / len(speedups))
    counts = ", ".join(f"{sum(each > least for each in speedups)} at p = {least:g}" for least in FAST)
    return f"Geometric mean of all {len(speedups)}: {mean:.2f}. More than p times as fast (fast_p): {counts}."
