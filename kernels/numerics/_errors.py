"""Errors of a formula in ULP, over some inputs: the largest, the mean, and where they are."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from speciate.evaluators import Formula, Incorrect

from ._inputs import Chunk

ALL_WRONG = float(1 << 24)
"""ULP from which on not one digit is right: errors beyond it count as this."""


class Slice(NamedTuple):
    """Neighbouring inputs and the errors there, in ULP."""

    low: float
    high: float
    worst: float
    """Of the largest magnitude, with its sign."""
    mean: float


class Errors:
    """Errors of one formula, gathered chunk by chunk.

    Raises Incorrect for an answer that is infinite or not a number.
    """

    def __init__(self, formula: Formula, chunks: Iterable[Chunk]):
        self.largest = 0.0
        self.at = 0.0
        """An input with the largest error."""
        self.inputs = 0
        self.slices: list[Slice] = []
        self._sum = self._sizes = 0.0
        self._right = self._breaks = self._pairs = 0
        for chunk in chunks:
            self._add(formula, chunk)

    @property
    def mean(self) -> float:
        """Mean size of the errors."""
        return self._sizes / self.inputs

    @property
    def bias(self) -> float:
        """Mean of the errors with their signs."""
        return self._sum / self.inputs

    @property
    def right(self) -> float:
        """Share of the inputs that get the float32 nearest to the right answer."""
        return self._right / self.inputs

    @property
    def breaks(self) -> float:
        """Of a million pairs of neighbouring inputs, how many get answers in the wrong order."""
        return 1e6 * self._breaks / self._pairs

    def _add(self, formula: Formula, chunk: Chunk) -> None:
        answer = formula(chunk.x)
        error = (answer - chunk.exact) * chunk.scale
        sizes = np.abs(error)
        worst = int(np.argmax(sizes))  # where one is not a number, argmax finds it
        if not np.isfinite(sizes.flat[worst]):
            raise Incorrect(
                f"at x = {float(chunk.x.flat[worst])!r}: expected about {chunk.exact.flat[worst]:.9g}, "
                f"got {float(answer.flat[worst])!r}"
            )
        if sizes.flat[worst] > ALL_WRONG:
            error = np.clip(error, -ALL_WRONG, ALL_WRONG)
            sizes = np.abs(error)
        if sizes.flat[worst] > self.largest:
            self.largest, self.at = float(sizes.flat[worst]), float(chunk.x.flat[worst])
        self._sum += float(error.sum())
        self._sizes += float(sizes.sum())
        self.inputs += error.size
        self._right += int(np.count_nonzero(answer == chunk.exact.astype(np.float32)))
        steps = np.diff(answer, axis=1)
        self._breaks += int(np.count_nonzero(steps > 0 if chunk.x.flat[0] < 0 else steps < 0))
        self._pairs += steps.size
        low, high = sorted((float(chunk.x.flat[0]), float(chunk.x.flat[-1])))
        self.slices.append(Slice(low, high, float(error.flat[worst]), float(error.mean())))


def least_error(chunks: Iterable[Chunk]) -> float:
    """Return the largest error, in ULP, of the nearest float32 numbers: no formula can have less."""
    return max(float(np.max(np.abs(each.exact.astype(np.float32) - each.exact) * each.scale)) for each in chunks)
