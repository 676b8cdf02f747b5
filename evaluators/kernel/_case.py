"""What a kernel is called with: sizes, and values that are not all alike."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._interface import Sizes

DISTRIBUTIONS = ("normal", "uniform", "pareto", "sorted", "sparse", "offset")
"""A kernel that looks at a part of its input only, or trusts in averages, is wrong on one of them."""
_OFFSET = 1000.0
_SPARSE_SHARE = 0.05
_HEAVY = 1.5
_MOST = 1e4


class Case(NamedTuple):
    """One call to be checked."""

    sizes: Sizes
    distribution: str
    shift: int
    """Elements by which buffers begin off their alignment."""

    @property
    def words(self) -> str:
        """The case in words: what a candidate's author is told."""
        sizes = ", ".join(f"{name}={value}" for name, value in self.sizes.items())
        return f"{sizes}, {self.distribution} values" + (f", {self.shift} elements off alignment" if self.shift else "")


def draw(rng: np.random.Generator, distribution: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return float32 values of one of ``DISTRIBUTIONS``; ``sorted`` and ``sparse`` along the last axis.

    Raises ValueError for an unknown name.
    """
    if distribution == "uniform":
        return rng.random(shape, dtype=np.float32) * np.float32(2) - np.float32(1)
    values = rng.standard_normal(shape, dtype=np.float32)
    if distribution == "pareto":
        heavy = rng.pareto(_HEAVY, shape).astype(np.float32)
        return np.copysign(np.minimum(heavy, np.float32(_MOST)), values)
    if distribution == "sorted":
        return np.sort(values, axis=-1)
    if distribution == "sparse":
        return values * (rng.random(shape, dtype=np.float32) < _SPARSE_SHARE)
    if distribution == "offset":
        return values + np.float32(_OFFSET)
    if distribution != "normal":
        raise ValueError(f"expected one of {', '.join(DISTRIBUTIONS)}, got {distribution!r}")
    return values
