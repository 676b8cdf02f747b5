"""Several objectives: of each niche, the designs that no other one beats in all of them. Pure.

Who holds a niche is decided by the score alone, as with one objective; the front says from whom else one may go on.
It is bounded: where one design too many is on it, the one leaves whose neighbours are closest, as in NSGA-II (Deb et
al. 2002), and of equally close ones the youngest. The lowest score never leaves. So a front of fewer designs than the
bound is the front of all that were ever offered, and one at the bound a spread of them: a design that left for its
neighbours may have beaten one that came later.
"""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from speciate.evaluators import Evaluation, Problem

from ._proposer import ArchiveView, Elite

_SHARE = 0.5
"""Of draws that go on from a front. On landscapes of two objectives (``tests/bench/bench_fronts.py``) half of them
widen the fronts nearly as far in 1,000 evaluations as all of them do, at a fraction of what those cost the best score.
"""


class Fronts:
    """The fronts of one archive by niche, for designs that have further objectives.

    Args:
        bound: most designs on one; with 1 there are no fronts, since that one would be the niche's holder.
    """

    def __init__(self, bound: int):
        self.bound = bound
        self._fronts: dict[int, tuple[Elite, ...]] = {}
        self._seen: Mapping[int, tuple[Elite, ...]] | None = {}

    @property
    def seen(self) -> Mapping[int, tuple[Elite, ...]]:
        """The fronts as they are now, each in lexicographic order of score and further objectives."""
        if self._seen is None:
            self._seen = dict(self._fronts)
        return self._seen

    def offer(self, elite: Elite) -> None:
        """Offer a design to its niche's front, or one that is on it again, with another score.

        Of designs that are equal in all objectives the one that is there stays.
        """
        if self.bound == 1 or not elite.further:
            return
        front = self._fronts.get(elite.cell, ())
        kept = [other for other in front if other.ticket != elite.ticket]
        mine = values_of(elite)
        if not any(_covers(values_of(other), mine) for other in kept):
            kept = sorted([other for other in kept if not _covers(mine, values_of(other))] + [elite], key=_order)
        elif len(kept) == len(front):
            return
        if len(kept) > self.bound:
            kept.remove(_closest(kept))
        self._fronts[elite.cell] = tuple(kept)
        self._seen = None


def unbeaten(designs: Sequence[Elite]) -> list[Elite]:
    """Return the designs that no other beats, in lexicographic order of score and further objectives.

    One beats another if it is at least as good in every objective and better in one. Of designs that are equal in all
    the one with the lowest ticket stays.
    """
    kept: list[Elite] = []
    # In this order a design can only be beaten by one before it.
    for design in sorted(designs, key=_order):
        mine = values_of(design)
        if not any(_covers(values_of(other), mine) for other in kept):
            kept.append(design)
    return kept


def values_of(design: Elite) -> tuple[float, ...]:
    """Return all objectives of a design, minimised, the score first."""
    return (design.score, *design.further)


def from_front(view: ArchiveView, elite: Elite, random: Random) -> Elite:
    """Return from whom a niche goes on: its holder, or as often one of its front, each as likely."""
    front = view.fronts.get(elite.cell)
    return random.choice(front) if front and random.random() < _SHARE else elite


def further_of(problem: Problem[Any], evaluation: Evaluation) -> tuple[float, ...]:
    """Return a design's further objectives, minimised: each is the mean of the metric of its name over the workloads.

    Empty where the problem has none, and where the design lacks a metric on some workload or it is not finite.
    """
    found = []
    for objective in problem.objectives:
        metrics = [part.metrics.get(objective.name, math.nan) for part in evaluation.measurements]
        if not metrics or not all(map(math.isfinite, metrics)):
            return ()
        sign = -1.0 if objective.direction == "maximize" else 1.0
        found.append(sign * math.fsum(metrics) / len(metrics))
    return tuple(found)


def _covers(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether one is at least as good in every objective."""
    return all(a <= b for a, b in zip(one, other, strict=True))


def _order(design: Elite) -> tuple[tuple[float, ...], int]:
    return values_of(design), design.ticket


def _closest(front: Sequence[Elite]) -> Elite:
    """Return whose neighbours are closest, summed over the objectives in shares of the front's range; not the first."""
    distances = dict.fromkeys((design.ticket for design in front), 0.0)
    for column in range(len(values_of(front[0]))):
        ranked = sorted(front, key=lambda design: (values_of(design)[column], design.ticket))
        at = [values_of(design)[column] for design in ranked]
        spread = at[-1] - at[0]
        distances[ranked[0].ticket] = distances[ranked[-1].ticket] = math.inf
        for place in range(1, len(ranked) - 1):
            if spread > 0:
                distances[ranked[place].ticket] += (at[place + 1] - at[place - 1]) / spread
    return min(front[1:], key=lambda design: (distances[design.ticket], -design.ticket))
