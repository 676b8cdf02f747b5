"""Least squares in a few unknowns. Plain Python, so that it comes to the same bits on every machine."""

import math
from collections.abc import Sequence

Columns = Sequence[Sequence[float]]


class Factored:
    """A matrix as a product of orthonormal columns and an upper triangle, by Gram and Schmidt.

    Args:
        columns: of the matrix, ``(n, m)``: n unknowns, m equations.
        ridge: what further equations hold the unknowns to zero with, as a share of their columns' lengths; above 0.
    """

    def __init__(self, columns: Columns, ridge: float):
        self._lengths = [math.sqrt(sum(each * each for each in column)) or 1.0 for column in columns]
        size = len(columns)
        self._across: list[list[float]] = []
        self._upper: list[list[float]] = []
        for n, (column, length) in enumerate(zip(columns, self._lengths, strict=True)):
            left = [each / length for each in column] + [ridge if n == m else 0.0 for m in range(size)]
            row = []
            for other in self._across:
                share = _product(other, left)
                row.append(share)
                left = [a - share * b for a, b in zip(left, other, strict=True)]
            norm = math.sqrt(_product(left, left))
            self._upper.append([*row, norm])
            self._across.append([each / norm for each in left])

    def solved(self, right: Sequence[float]) -> list[float]:
        """Return the unknowns that come nearest to the right sides ``(m,)``."""
        return self.reaching([_product(column[: len(right)], right) for column in self._across])

    def reaching(self, shares: Sequence[float]) -> list[float]:
        """Return the unknowns whose equations come to these shares ``(n,)`` of the orthonormal columns."""
        found = [0.0] * len(shares)
        for n in reversed(range(len(shares))):
            rest = sum(self._upper[m][n] * found[m] for m in range(n + 1, len(shares)))
            found[n] = (shares[n] - rest) / self._upper[n][n]
        return [each / length for each, length in zip(found, self._lengths, strict=True)]


def _product(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
