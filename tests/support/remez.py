"""Minimax fits by exchange (Remez 1934), and their coefficients rounded to float32 one after the other.

The minimax baselines of the numerics problems have their numbers from here; a test fits them again.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_POINTS = 6000
_ROUNDS = 60


def chebyshev_grid(low: float, high: float) -> Float64:
    """Points of an interval, denser towards its ends."""
    share = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, _POINTS))
    return low + (high - low) * share


def minimax(basis: Float64, target: Float64, weight: Float64) -> Float64:
    """Coefficients with the least ``max |weight * (basis @ c - target)|`` over the points.

    ``basis`` is (points, n). Raises ArithmeticError where the errors do not come to alternate n times.
    """
    count = basis.shape[1]
    places = np.round((_POINTS - 1) * (0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, count + 1)))).astype(int)
    places = np.clip(places, 1, _POINTS - 2)
    found: Float64 | None = None
    for _ in range(_ROUNDS):
        signs = (-1.0) ** np.arange(count + 1)
        # An error of E / weight at a point where the weight is small is what scales the system well.
        system = np.column_stack([basis[places] * weight[places, None], signs])
        solution = np.linalg.solve(system, target[places] * weight[places])
        found = solution[:count]
        error = weight * (basis @ found - target)
        fresh = _alternation(error, count + 1)
        if np.array_equal(fresh, places) or np.max(np.abs(error)) <= abs(solution[count]) * (1.0 + 1e-6):
            return found
        places = fresh
    assert found is not None
    return found


def _alternation(error: Float64, count: int) -> NDArray[np.int64]:
    """Places of the largest errors of signs in turn, exactly ``count`` of them."""
    starts = np.flatnonzero(np.diff(np.sign(error)) != 0) + 1
    runs = np.split(np.arange(len(error)), starts)
    peaks = [int(run[np.argmax(np.abs(error[run]))]) for run in runs]
    if len(peaks) < count:
        raise ArithmeticError(f"expected {count} alternations, got {len(peaks)}")
    while len(peaks) > count:
        if len(peaks) == count + 1:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        else:
            # Two neighbours go together, or the signs would no longer alternate.
            sizes = [max(abs(error[a]), abs(error[b])) for a, b in pairwise(peaks)]
            at = int(np.argmin(sizes))
            del peaks[at : at + 2]
    return np.array(peaks)


def rounded(basis: Float64, target: Float64, weight: Float64, order: Sequence[int]) -> Float64:
    """The minimax fit in float32 coefficients: each is rounded in turn, and those left are fitted anew."""
    left, found, aim = list(order), np.zeros(basis.shape[1]), target.copy()
    while left:
        fit = minimax(basis[:, left], aim, weight)
        found[left[0]] = np.float32(fit[0])
        aim = aim - found[left[0]] * basis[:, left[0]]
        left.pop(0)
    return found
