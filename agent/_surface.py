"""A guess at a function of a few numbers from some of its values: a Gaussian process (Rasmussen & Williams, 2006).

Plain Python throughout, so that it comes to the same bits on every machine: a linear algebra library does not. Thirty
points in ten dimensions cost five milliseconds.
"""

import math
from collections.abc import Sequence
from random import Random
from statistics import fmean, pstdev

_LENGTHS = (0.3, 0.6, 1.2, 2.4)
"""Distances over which the function may keep its shape, in units of the points; the likeliest is taken."""
_RATIOS = (0.25, 2.5)
"""By how much one dimension may count for less or more than the others."""
_DIMENSIONS = 3
"""Dimensions that are tried with ratios of their own."""
_GAIN = 0.1
"""Log-likelihood that such a ratio must gain."""
_NOISE = 1e-3
"""Of the values' variance; also keeps the factorisation from failing."""

Vector = Sequence[float]


class Surface:
    """A Gaussian process with a Matern 5/2 kernel through the values of a function at some points.

    Args:
        points: where the function is known, ``(n, d)``; two or more, and no two alike.
        values: there, ``(n,)``; lower is better. Few high values do not spoil it.
        rng: which dimensions are looked at more closely.
    """

    def __init__(self, points: Sequence[Vector], values: Vector, rng: Random):
        self._values = _standard(values)
        self.least = min(self._values)
        self._squares = [_squares(points, axis) for axis in range(len(points[0]))]
        weights, fit = self._fitted(rng)
        self._weights, self._lower, self._variance = weights, fit[1], fit[2]
        self._pull = _backward(self._lower, _forward(self._lower, self._values))
        self._points = [[x * w for x, w in zip(point, weights, strict=True)] for point in points]

    def improvement(self, point: Vector) -> float:
        """Return by how much the function at ``point`` is expected to be below its least known value, in deviations."""
        place = [x * w for x, w in zip(point, self._weights, strict=True)]
        near = [_kernel(sum([(a - b) ** 2 for a, b in zip(place, known, strict=True)])) for known in self._points]
        mean = sum([k * pull for k, pull in zip(near, self._pull, strict=True)])
        told = sum([part * part for part in _forward(self._lower, near)])
        deviation = math.sqrt(max(1e-9, 1.0 - told) * self._variance)
        gap = (self.least - mean) / deviation
        density = math.exp(-0.5 * gap * gap) / math.sqrt(2.0 * math.pi)
        return deviation * (0.5 * gap * (1.0 + math.erf(gap / math.sqrt(2.0))) + density)

    def _fitted(self, rng: Random) -> tuple[list[float], tuple[float, list[list[float]], float]]:
        """Return the weights of the dimensions that make the values likeliest, and their fit."""
        count = len(self._squares)
        fits = [([1.0 / length] * count, self._fit([1.0 / length] * count)) for length in _LENGTHS]
        weights, best = max(fits, key=lambda each: each[1][0])
        for axis in rng.sample(range(count), min(count, _DIMENSIONS)):
            for ratio in _RATIOS:
                other = [weight * ratio if n == axis else weight for n, weight in enumerate(weights)]
                fit = self._fit(other)
                if fit[0] > best[0] + _GAIN:
                    weights, best = other, fit
        return weights, best

    def _fit(self, weights: Vector) -> tuple[float, list[list[float]], float]:
        """Return log-likelihood, factor of the kernel matrix and variance of the values, for some weights."""
        size = len(self._values)
        matrix = [[0.0] * row + [1.0 + _NOISE] for row in range(size)]
        squared = [weight * weight for weight in weights]
        for row in range(size):
            for column in range(row):
                apart = sum([w * axis[row][column] for w, axis in zip(squared, self._squares, strict=True)])
                matrix[row][column] = _kernel(apart)
        lower = _factor(matrix)
        variance = max(1e-12, sum([part * part for part in _forward(lower, self._values)]) / size)
        likelihood = -0.5 * size * math.log(variance) - sum([math.log(lower[n][n]) for n in range(size)])
        return likelihood, lower, variance


def _kernel(squared: float) -> float:
    distance = math.sqrt(5.0 * squared)
    return (1.0 + distance + distance * distance / 3.0) * math.exp(-distance)


def _standard(values: Vector) -> list[float]:
    """Return values of mean 0 and deviation 1; those far above the median count as not so far."""
    order = sorted(values)
    middle, spread = order[len(order) // 2], order[3 * len(order) // 4] - order[len(order) // 4] or 0.5
    near = [min(max(value, middle - 4.0 * spread), middle + 2.0 * spread) for value in values]
    mean, deviation = fmean(near), pstdev(near) or 1.0
    return [(value - mean) / deviation for value in near]


def _squares(points: Sequence[Vector], axis: int) -> list[list[float]]:
    """Return squared differences in one dimension, the lower triangle."""
    return [[(points[i][axis] - points[j][axis]) ** 2 for j in range(i)] for i in range(len(points))]


def _factor(matrix: Sequence[Vector]) -> list[list[float]]:
    """Return the Cholesky factor of a symmetric positive definite matrix, given and returned as lower triangles."""
    lower: list[list[float]] = []
    for i, given in enumerate(matrix):
        row: list[float] = []
        for j in range(i):
            row.append((given[j] - sum([a * b for a, b in zip(row, lower[j][:j], strict=True)])) / lower[j][j])
        row.append(math.sqrt(max(1e-10, given[i] - sum([a * a for a in row]))))
        lower.append(row)
    return lower


def _forward(lower: Sequence[Vector], right: Vector) -> list[float]:
    """Solve ``lower @ x = right``."""
    found: list[float] = []
    for row, value in zip(lower, right, strict=True):
        found.append((value - sum([a * b for a, b in zip(row[:-1], found, strict=True)])) / row[-1])
    return found


def _backward(lower: Sequence[Vector], right: Vector) -> list[float]:
    """Solve ``lower.T @ x = right``."""
    found = list(right)
    for i in range(len(found) - 1, -1, -1):
        found[i] /= lower[i][i]
        for j in range(i):
            found[j] -= lower[i][j] * found[i]
    return found
