"""Operators for a formula's numbers: level its errors, nudge its answers, drift with its relatives. No model.

    level   what feedback tells of the errors says which numbers would even them out: those of least squares, weighed
            anew where the errors stay large (Lawson 1961), which nears the least largest error
    nudge   a random step that moves the answers alike in all ways there are, by shares of an ULP: the formula tells by
            how much each number counts, and which of them must move together
    drift   differential evolution (Storn & Price 1997): the parent, or one near it in score, and a difference of two
            relatives that differ in their numbers alone

A formula of another shape is settled by the first before it is judged: its numbers are those with which it comes to
what its parent did, less what the parent was told to be off. All leave numbers alone that are written with few digits
and have no name, as the 1 of ``1 + x``.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np
from speciate.evaluators import Candidate, Problem

from ._constant_tuning import relatives
from ._formula_errors import DIGITS, Aim, Reckoner
from ._history import Past
from ._least_squares import Factored
from ._literals import Constants
from ._proposer import PEERS, ArchiveView, Draw, Parent, Task
from ._records import STARTER

LEVEL, NUDGE, DRIFT = "level", "nudge", "drift"
NUMERIC = (LEVEL, NUDGE, DRIFT)
_ROUNDS = (0, 0, 3, 12)
"""Of weighing anew: the least squares themselves do where the spread of the errors is told badly, as of a series."""
_SHARPNESS = 3.0
"""Power of an error's share of the largest that its weight grows by in a round."""
_FEWEST = 4
"""Relatives from which on there are differences to go by."""
_BEST = 12
"""Relatives whose differences are drawn on."""
_NUDGES = 8
"""Tries to find a nudge that does no harm."""
_LUCK = 0.1
"""ULP of harm that luck may make good."""
_SIZES = (-11.0, -3.0)
"""Powers of two of the ULP that a nudge moves answers by: what is larger is not made good by luck."""
_TOO_FAR = 0.5
"""Share of itself that a number is nudged by at most."""
_STEPS = 5
"""From a changed formula to the numbers that suit it: where these are in a divisor, one is not enough."""
_NEAR, _FAR = 0.01, 4.0
"""ULP that a settled formula misses its aim by at most on average: it is as near as can be, or it is given up."""

Values = tuple[float, ...]


def fresh_parent(view: ArchiveView, chosen: int, rng: Random) -> int:
    """Return whose errors are levelled: a design whose never were, and ``chosen`` where there is none.

    First those that the run began with and those that levelling has made better, whether or not a niche holds them.
    Then by turns the best that scores like none that was levelled (one formula is written in many ways), and any
    niche's: what levelling is worth to a design does not show in its score.
    """
    pasts = [past.parents[:1] for past in view.history if past.operator == LEVEL]
    tried = {*pasts, *(draw.parents[:1] for draw in view.under_way if draw.operator == LEVEL)}
    first = next((past.ticket for past in view.history if _promises(past) and (past.ticket,) not in tried), None)
    if first is not None:
        return first
    fresh = [elite for elite in view.elites if (elite.ticket,) not in tried]
    scored = {past.before for past in view.history if past.operator == LEVEL}
    best = next((elite for elite in fresh if elite.score not in scored), None)
    if best is not None and rng.random() < 0.5:
        return best.ticket
    return rng.choice(fresh).ticket if fresh else chosen


def _promises(past: Past) -> bool:
    """Return whether a ticket's design comes first."""
    if past.score is None:
        return False
    return past.operator == STARTER or (past.operator == LEVEL and past.before is not None and past.score < past.before)


def drift_draw(view: ArchiveView, parent: int, seed: int) -> Draw:
    """Return the draw of a ticket that drifts from the design of ticket ``parent``."""
    return Draw(DRIFT, (parent,), seed, extra={PEERS: relatives(view.history, parent)})


class FormulaTuner:
    """Writes formulas with other numbers.

    Args:
        problem: of formulas; lower scores are better.
    """

    def __init__(self, problem: Problem[Any]):
        self._reckoner = Reckoner(problem)

    def child(self, task: Task) -> Candidate | None:
        """Return the first parent with other numbers; None where the operator has nothing to go by."""
        if not task.parents:
            return None
        parent, rng = task.parents[0], Random(task.draw.seed)
        constants = self._reckoner.numbers(parent.candidate)
        moved = _moved(constants)
        drifted = self._drifted(task, constants, moved, rng) if moved and task.draw.operator == DRIFT else None
        if drifted is not None:
            return constants.written(drifted)
        aim = self._reckoner.aim(parent.candidate, parent.evaluation) if moved else None
        slopes = self._reckoner.slopes(constants, moved, aim) if aim is not None else None
        misses = self._reckoner.misses(parent.candidate, aim) if aim is not None else None
        if aim is None or slopes is None or misses is None:
            return None
        course = Course(slopes, misses, aim.spreads)
        if task.draw.operator == LEVEL:
            return _stepped(constants, moved, levelling(course, rng))
        most = course.largest + _LUCK
        nudged = (_stepped(constants, moved, nudging(slopes, rng)) for _ in range(_NUDGES))
        return next((each for each in nudged if each != parent.candidate and self._reckoned(each, aim) < most), None)

    def settled(self, child: Candidate, parent: Parent, rng: Random) -> Candidate | None:
        """Return a changed formula with the numbers that suit it; None for an old shape, or one that comes to nothing.

        One that comes to what its parent does keeps its numbers; so does any where feedback on that tells nothing.
        """
        if not self._reckoner.is_new(child, parent.candidate):
            return None
        aim = self._reckoner.aim(parent.candidate, parent.evaluation)
        before = self._reckoner.misses(parent.candidate, aim) if aim is not None else None
        if aim is None or before is None:
            return child
        for number in range(_STEPS):
            misses = self._reckoner.misses(child, aim)
            if misses is None:
                return None
            same = max(abs(miss - old) for miss, old in zip(misses, before, strict=True)) < _NEAR
            if (number == 0 and same) or max(map(abs, misses)) < _NEAR:
                return child
            constants = self._reckoner.numbers(child)
            moved = _moved(constants)
            slopes = self._reckoner.slopes(constants, moved, aim) if moved else None
            if slopes is None:
                break
            child = _stepped(constants, moved, levelling(Course(slopes, misses, aim.spreads), rng))
        misses = self._reckoner.misses(child, aim)
        return child if misses is not None and max(map(abs, misses)) < _FAR else None

    def _reckoned(self, child: Candidate, aim: Aim) -> float:
        """Return how large the largest error would be if they spread as the parent's do, in ULP."""
        misses = self._reckoner.misses(child, aim)
        return Course((), misses, aim.spreads).largest if misses is not None else math.inf

    def _drifted(self, task: Task, constants: Constants, moved: Sequence[int], rng: Random) -> Values | None:
        members = self._members(constants, (task.parents[0], *task.peers))
        if len(members) < _FEWEST:
            return None
        best = members[:_BEST]
        base = constants.values if rng.random() < 0.5 else rng.choice(best[: _BEST // 3])
        ahead, behind = rng.choice(best), rng.choice(best)
        far, kept = rng.choice((0.4, 0.7, 1.0)), rng.choice((0.0, 0.3, 0.6))
        values = list(base)
        for number in moved:
            if rng.random() >= kept:
                values[number] += far * (ahead[number] - behind[number])
            if rng.random() < 0.15:
                values[number] += rng.choice((-2, -1, 1, 2)) * float(np.spacing(np.float32(values[number])))
        return tuple(values)

    def _members(self, constants: Constants, designs: Sequence[Parent]) -> list[Values]:
        """Return the numbers of the designs that differ from a formula in them alone, best first, each once."""
        scores: dict[Values, float] = {}
        for design in designs:
            theirs, score = self._reckoner.numbers(design.candidate), design.evaluation.score
            if score is not None and theirs.skeleton == constants.skeleton:
                scores[theirs.values] = score
        return sorted(scores, key=lambda values: (scores[values], values))


class Course(NamedTuple):
    """Where a formula is off, and what its numbers can do about it."""

    slopes: Sequence[Sequence[float]]
    """By number, then by input: ULP by which the answer moves when the number grows by itself."""
    misses: Sequence[float]
    """By input: ULP by which answers around it are off on average."""
    spreads: Sequence[float]
    """By input: ULP by which one of them is further off than that."""

    @property
    def largest(self) -> float:
        """ULP by which an answer is off at most."""
        return max(spread + abs(miss) for miss, spread in zip(self.misses, self.spreads, strict=True))


def levelling(course: Course, rng: Random) -> list[float]:
    """Return shares of themselves that numbers are to grow by, so that the largest error becomes small.

    Args:
        course: what they can do.
        rng: how sharply it is looked at the largest.
    """
    ridge, rounds = 10.0 ** rng.uniform(-7.0, -3.0), rng.choice(_ROUNDS)
    weights = [1.0] * len(course.misses)
    steps: list[float] = []
    for _ in range(rounds + 1):
        weighed = [[slope * weight for slope, weight in zip(column, weights, strict=True)] for column in course.slopes]
        right = [-miss * weight for miss, weight in zip(course.misses, weights, strict=True)]
        steps = Factored(weighed, ridge).solved(right)
        errors = [
            spread + abs(miss + sum(column[n] * step for column, step in zip(course.slopes, steps, strict=True)))
            for n, (miss, spread) in enumerate(zip(course.misses, course.spreads, strict=True))
        ]
        largest = max(errors) or 1.0
        grown = [weight * (error / largest) ** _SHARPNESS for weight, error in zip(weights, errors, strict=True)]
        most = max(grown) or 1.0
        weights = [max(weight / most, 1e-4) for weight in grown]
    return steps


def nudging(slopes: Sequence[Sequence[float]], rng: Random) -> list[float]:
    """Return shares of themselves that numbers are to grow by at random, so that all ways count alike.

    Args:
        slopes: as those of ``Course``.
        rng: decides.
    """
    size = 2.0 ** rng.uniform(*_SIZES) * len(slopes[0]) ** 0.5
    kept = rng.choice((0.0, 0.5, 0.8))
    shares = [0.0 if rng.random() < kept else rng.gauss(0.0, size) for _ in slopes]
    steps = Factored(slopes, 10.0 ** rng.uniform(-7.0, -3.0)).reaching(shares)
    shrunk = min(1.0, _TOO_FAR / (max(map(abs, steps)) or 1.0))
    return [shrunk * step for step in steps]


def _moved(constants: Constants) -> list[int]:
    """Return which numbers are as fine as float32 numbers are, and not zero."""
    return [n for n, literal in enumerate(constants.literals) if literal.digits == DIGITS and literal.value]


def _grown(constants: Constants, moved: Sequence[int], steps: Sequence[float]) -> list[float]:
    values = list(constants.values)
    for number, step in zip(moved, steps, strict=True):
        values[number] *= 1.0 + step
    return values


def _stepped(constants: Constants, moved: Sequence[int], steps: Sequence[float]) -> Candidate:
    return constants.written(_grown(constants, moved, steps))
