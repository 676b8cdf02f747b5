"""Constant tuning: the next numbers for a design, from what designs that differ from it in their numbers alone came to.

The first few are thrown around the best; then a surface through all that were judged says where an improvement is to
be expected. Its whole state are the trials it is given, so it can be anybody's, resumed and replayed.
"""

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from ._digits import USUAL, fineness
from ._literals import Constants, Literal
from ._surface import Surface

MOST_NUMBERS = 20
"""Numbers of one design that are tuned: with names, then broken ones, then whole ones."""
MOST_TRIALS = 30
"""Trials that the surface goes through."""
_FEWEST = 6
"""Trials from which on there is a surface."""
_FIRST_STEP = 0.4
"""Deviation of the first throws, in logarithms of numbers."""
_STEPS = (0.05, 0.15, 0.5, 1.0)
_REACH = 1000.0
"""Factor up to which numbers count as different: a zero is not infinitely far."""
_OFFERED = 40
"""Points that are offered to the surface."""

Point = tuple[float, ...]


class Trial(NamedTuple):
    """Numbers that were judged."""

    values: Sequence[float]
    """As ``Constants.values``."""
    score: float
    """Lower is better."""


def tuned(constants: Constants, trials: Sequence[Trial], rng: Random) -> tuple[float, ...] | None:
    """Return numbers to try next, in the order of ``constants.literals``; None where there is nothing to tune.

    Args:
        constants: the best design.
        trials: it and its relatives of the same skeleton, oldest first.
        rng: of the ticket.
    """
    # Where numbers are written finely, a ticket looks at one scale: a factor of two here, the last digits there.
    finest = max((literal.digits for literal in constants.literals if not literal.whole), default=USUAL)
    scale = _Scale(constants, fineness(finest, rng))
    if not scale.literals:
        return None
    known: dict[Point, float] = {}
    for trial in trials:
        if scale.fits(trial.values):
            known[scale.point(trial.values)] = trial.score
    centre = scale.point(constants.values)
    if len(known) < _FEWEST or len(set(known.values())) == 1:
        step = min(_FIRST_STEP, 1.0 / math.sqrt(len(centre)))
        offers = [_thrown(centre, range(len(centre)), step, rng) for _ in range(_OFFERED)]
        fresh = [point for point in map(scale.snapped, offers) if point not in known]
        return scale.values(fresh[0]) if fresh else None
    points = _telling(known)
    surface = Surface(points, [known[point] for point in points], rng)
    fresh = [point for point in map(scale.snapped, _offers(centre, points, known, rng)) if point not in known]
    return scale.values(max(fresh, key=surface.improvement)) if fresh else None


def _telling(known: dict[Point, float]) -> list[Point]:
    """Return the points that the surface goes through: the best half of them and the latest of the rest."""
    best = sorted(known, key=known.__getitem__)[: MOST_TRIALS // 2]
    late = [point for point in known if point not in set(best)]
    return best + late[max(0, len(late) - (MOST_TRIALS - len(best))) :]


def _offers(centre: Point, points: Sequence[Point], known: dict[Point, float], rng: Random) -> Iterator[Point]:
    """Yield points that may be better: near the best ones, and further on the way from a worse one to the best."""
    size, best = len(centre), sorted(points, key=known.__getitem__)[:5]
    for _ in range(_OFFERED):
        shape = rng.random()
        if shape < 0.5:
            moved = rng.sample(range(size), min(size, rng.choice((1, 2, 3, size))))
            yield _thrown(centre, moved, rng.choice(_STEPS), rng)
        elif shape < 0.8:
            moved = [axis for axis in range(size) if rng.random() < 0.5]
            yield _thrown(rng.choice(best), moved, 0.3, rng)
        else:
            good, other, far = rng.choice(best), rng.choice(points), rng.uniform(0.2, 1.0)
            yield tuple(c + far * (a - b) for c, a, b in zip(centre, good, other, strict=True))


def _thrown(point: Point, axes: Sequence[int], step: float, rng: Random) -> Point:
    moved = set(axes)
    return tuple(value + rng.gauss(0.0, step) if axis in moved else value for axis, value in enumerate(point))


class _Scale:
    """The numbers of a design as a point: logarithms, of whole numbers those of the next one; tenths about zero."""

    def __init__(self, constants: Constants, unit: float):
        self._unit = unit
        order = sorted(range(len(constants.literals)), key=lambda n: _rank(constants.literals[n]))
        self._axes = sorted(order[:MOST_NUMBERS])
        self._given = constants.values
        self.literals = [constants.literals[n] for n in self._axes]

    def fits(self, values: Sequence[float]) -> bool:
        """Return whether ``values`` are those of this design in every number that is not tuned."""
        tuned = set(self._axes)
        same = (a == b for n, (a, b) in enumerate(zip(values, self._given, strict=True)) if n not in tuned)
        return len(values) == len(self._given) and all(same)

    def point(self, values: Sequence[float]) -> Point:
        """Return the point of some values."""
        pairs = zip(self.literals, self._axes, strict=True)
        return tuple(_inward(literal, values[n]) / self._of(literal) for literal, n in pairs)

    def snapped(self, point: Point) -> Point:
        """Return the point that is meant by ``point`` once its numbers are written."""
        return self.point(self.values(point))

    def values(self, point: Point) -> tuple[float, ...]:
        """Return the values of a point."""
        found = list(self._given)
        for literal, n, place in zip(self.literals, self._axes, point, strict=True):
            found[n] = literal.nearest(_outward(literal, place * self._of(literal)))
        return tuple(found)

    def _of(self, literal: Literal) -> float:
        """Return the unit of a number's axis: 1 for one that is not written finely."""
        return self._unit if literal.digits > USUAL and not literal.whole else 1.0


def _rank(literal: Literal) -> tuple[bool, bool]:
    return not literal.named, literal.whole


def _inward(literal: Literal, value: float) -> float:
    if literal.whole:
        return math.log1p(max(0.0, value))
    if literal.value <= 0:
        return 10.0 * value
    return math.log(min(max(value, literal.value / _REACH), literal.value * _REACH))


def _outward(literal: Literal, place: float) -> float:
    if literal.whole:
        return math.expm1(min(place, 27.0))
    return math.exp(min(place, 27.0)) if literal.value > 0 else 0.1 * place
