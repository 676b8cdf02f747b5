"""What a formula's judge tells of its errors, and how its answers move with its numbers.

The first is read from feedback, the second reckoned from the formula: what is right nobody here knows.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import Candidate, Evaluation, Formula, Problem, evaluator_of

from ._digits import USUAL
from ._literals import Constants, changeable_files, constants_of

Array = NDArray[np.float64]

DIGITS = 9
"""Significant digits that tell all float32 numbers apart."""
_LINE = re.compile(r"(\S+) to (\S+): ([-+][0-9.]+) ULP, ([-+][0-9.]+)")
_POINTS = 4
"""Inputs of a part of the interval that is told of, its ends among them."""
_LEAST_SPREAD = 0.5
"""ULP that errors spread by rounding the answer alone."""
_SHARE = 2.0**-10
"""Of a number, by which it is moved to see what comes of it."""
_MOST = 2.0**100
"""Answers beyond this are no aim: their float32 would not be finite."""


class Reading(NamedTuple):
    """What feedback tells of a part of the interval."""

    low: float
    high: float
    worst: float
    """Of the largest magnitude, in ULP of the right answer, with its sign."""
    mean: float
    """With its sign."""


class Aim(NamedTuple):
    """What a formula should come to, as far as feedback on its parent tells; all of one length."""

    x: Array
    """Inputs."""
    answers: Array
    """There, were nothing rounded: the parent's less what it was told to be off on average."""
    ulp: Array
    """The distance of float32 numbers there."""
    spreads: tuple[float, ...]
    """How much further off than on average the parent is around there, in ULP."""


def readings_of(evaluation: Evaluation) -> list[list[Reading]]:
    """Return what feedback tells, by workload and part; nothing where it is told in other words."""
    found = []
    for measurement in evaluation.measurements:
        matches = map(_LINE.fullmatch, measurement.feedback.splitlines())
        parts = [Reading(*map(_number, match.groups())) for match in matches if match is not None]
        found.append([each for each in parts if all(map(math.isfinite, each)) and each.low <= each.high])
    return [sorted(parts) for parts in found if len(parts) > 1]


class Reckoner:
    """Reckons formulas of one problem where nothing is rounded."""

    def __init__(self, problem: Problem[Any]):
        self._problem = problem
        self._evaluator = evaluator_of(problem.kind)
        self._changeable = changeable_files(problem.seed())

    def numbers(self, candidate: Candidate) -> Constants:
        """Return a formula's numbers; those with a name or many digits are as fine as float32 numbers are."""
        found = constants_of(candidate, self._changeable)
        literals = [
            each._replace(digits=DIGITS) if not each.whole and (each.named or each.digits > USUAL) else each
            for each in found.literals
        ]
        return replace(found, literals=tuple(literals))

    def is_new(self, candidate: Candidate, parent: Candidate) -> bool:
        """Return whether the judge would read a candidate as a formula that differs in more than numbers."""
        shape = self._shape(candidate)
        return shape is not None and shape != self._shape(parent)

    def aim(self, parent: Candidate, evaluation: Evaluation) -> Aim | None:
        """Return what feedback tells of the right answers; None where it tells nothing."""
        told = readings_of(evaluation)
        if not told:
            return None
        x = np.concatenate([_inputs(each) for parts in told for each in parts])
        found = self.answers(parent, x)
        if found is None:
            return None
        ulp = np.spacing(np.abs(found).astype(np.float32)).astype(np.float64)
        errors = np.concatenate([_errors(parts) for parts in told])
        spreads = [_spread(each, errors[n * _POINTS :][:_POINTS]) for n, each in enumerate(chain(*told))]
        return Aim(x, found - errors * ulp, ulp, tuple(np.repeat(spreads, _POINTS).tolist()))

    def misses(self, candidate: Candidate, aim: Aim) -> list[float] | None:
        """Return by how many ULP a formula misses its aim, by input; None where it is not finite."""
        found = self.answers(candidate, aim.x)
        return None if found is None else [float(each) for each in (found - aim.answers) / aim.ulp]

    def slopes(self, constants: Constants, moved: Sequence[int], aim: Aim) -> list[list[float]] | None:
        """Return by how many ULP the answers move when a number grows by its own size.

        Args:
            constants: of the formula.
            moved: which of its numbers, none of them zero.
            aim: the inputs.

        Returns:
            For each number of ``moved`` a list over the inputs; None where that is not finite.
        """
        base = self.answers(constants.candidate, aim.x)
        found = []
        for number in moved:
            values = list(constants.values)
            values[number] *= 1.0 + _SHARE
            other = self.answers(constants.written(values), aim.x)
            if base is None or other is None:
                return None
            found.append([float(each) for each in (other - base) / (_SHARE * aim.ulp)])
        return found

    def answers(self, candidate: Candidate, x: Array) -> Array | None:
        """Return what a formula comes to in float64; None where that is not finite, or it is no formula."""
        formula = self._read(candidate)
        if formula is None:
            return None
        found = np.asarray(formula(x), dtype=np.float64)  # type: ignore[arg-type]
        return found if np.isfinite(found).all() and (np.abs(found) < _MOST).all() else None

    def _shape(self, candidate: Candidate) -> str | None:
        formula = self._read(candidate)
        return Formula([step._replace(bits=0) for step in formula.steps]).digest if formula is not None else None

    def _read(self, candidate: Candidate) -> Formula | None:
        """Return a formula as the judge reads it; None for what it refuses."""
        if self._evaluator.screen(self._problem, candidate) is not None:
            return None
        found = self._evaluator.inline(self._problem, candidate)
        assert isinstance(found, Formula)
        return found


def _inputs(reading: Reading) -> Array:
    """Return inputs of a part: as float32 numbers lie, closer to each other where they are small."""
    low, high = reading.low, reading.high
    if low * high <= 0.0:
        return np.linspace(low, high, _POINTS)
    ends = np.array([low, high], dtype=np.float32).view(np.uint32)
    bits = np.linspace(float(ends[0]), float(ends[1]), _POINTS).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64)


def _errors(parts: Sequence[Reading]) -> Array:
    """Return the errors of one workload at the inputs of its parts: between the middles of parts, between the means."""
    x = np.array([_inputs(each) for each in parts])
    middles, means = x.mean(axis=1), np.array([each.mean for each in parts])
    slopes = np.diff(means) / np.maximum(np.diff(middles), np.finfo(float).tiny)
    before, after = np.minimum(x - middles[0], 0.0) * slopes[0], np.maximum(x - middles[-1], 0.0) * slopes[-1]
    errors: Array = (np.interp(x, middles, means) + before + after).ravel()
    return errors


def _spread(reading: Reading, errors: Array) -> float:
    """Return how far the worst error of a part is from the mean ones on its side."""
    sign = math.copysign(1.0, reading.worst)
    return max(abs(reading.worst) - max(sign * float(each) for each in errors), _LEAST_SPREAD)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
