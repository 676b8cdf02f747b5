"""How a run divides the space of its descriptors into niches: a grid, or the cells of fixed centroids (CVT). Pure.

A categorical axis is divided by its categories in both. The centroids of a CVT are numbers in the run's settings, so
that a resumed or replayed run has the very same niches wherever it goes on.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, prod
from typing import Protocol

from speciate.evaluators import Descriptor, ProblemError, SpeciateError

from ._settings import Tessellating

_EPSILON = 1e-6
"""Pushes a value that lies on a boundary into the upper cell despite rounding; the figure pyribs uses."""
_LAYOUT_SEED = 0
"""Not the run's own seed: runs of one problem share their niches, so that their coverage and QD-score compare."""
_SAMPLES_A_CENTROID, _LEAST_SAMPLES, _ROUNDS = 20, 10_000, 25
_DECIMALS = 6


class Tessellation(Protocol):
    """Niches over descriptors, numbered from 0."""

    axes: tuple[Descriptor, ...]
    cells: int
    """How many niches there are."""

    def cell_of(self, values: Mapping[str, float]) -> int:
        """Return the niche of measured descriptors. Raises ProblemError where a value is missing or cannot be."""


class Bins:
    """The grid: each axis in equal bins, or in its categories; cells are numbered row-major."""

    def __init__(self, axes: Sequence[Descriptor]):
        self.axes = tuple(axes)
        self.cells = prod(axis.bins for axis in self.axes)

    def cell_of(self, values: Mapping[str, float]) -> int:
        """Return the flat index of the cell; see the function ``cell_of``."""
        return cell_of(self.axes, values)


class Centroids:
    """The cells of fixed points in the unit cube of the numeric axes, once for each combination of categories.

    Args:
        axes: the descriptors; at least one is numeric.
        points: the centroids, a coordinate for each numeric axis, 0 at its ``low`` and 1 at its ``high``.

    Raises:
        SpeciateError: the points do not fit the axes.
    """

    def __init__(self, axes: Sequence[Descriptor], points: Sequence[Sequence[float]]):
        import numpy as np

        self.axes = tuple(axes)
        self._named = tuple(axis for axis in self.axes if axis.categories)
        self._numeric = tuple(axis for axis in self.axes if not axis.categories)
        if not points or any(len(point) != len(self._numeric) for point in points):
            raise SpeciateError(
                f"expected centroids of {len(self._numeric)} coordinates, one for each numeric descriptor, got "
                f"{len(points)} of {sorted({len(point) for point in points})}: the run is of another problem"
            )
        self.points = np.asarray(points, dtype=np.float64)
        self.cells = len(points) * prod(axis.bins for axis in self._named)

    def cell_of(self, values: Mapping[str, float]) -> int:
        """Return the cell of the nearest centroid, the first of equally near ones.

        Values outside an axis's range are clipped to it first. The index is the row-major one of the categories
        times the number of centroids, plus the centroid's number.
        """
        position = [(_clipped(axis, values) - axis.low) / (axis.high - axis.low) for axis in self._numeric]
        nearest = int(((self.points - position) ** 2).sum(axis=1).argmin())
        return cell_of(self._named, values) * len(self.points) + nearest

    def centre(self, cell: int) -> dict[str, float]:
        """Return the descriptors at a cell's centroid."""
        group, number = divmod(cell, len(self.points))
        at = zip(self._numeric, self.points[number].tolist(), strict=True)
        named = zip(self._named, bins_of(self._named, group), strict=True)
        return {axis.name: axis.low + share * (axis.high - axis.low) for axis, share in at} | {
            axis.name: float(bin_) for axis, bin_ in named
        }


def cell_of(axes: Sequence[Descriptor], values: Mapping[str, float]) -> int:
    """Return the flat, row-major index of the cell that ``values`` fall in.

    Per axis the bin is ``trunc((bins * (value - low) + 1e-6) / (high - low))``, clipped to the edge bins; of a
    categorical axis it is the number of the category. Raises ProblemError for a descriptor that is missing, not
    finite, or the number of no category.

    >>> axes = (Descriptor(name="a", low=0, high=1, bins=4), Descriptor(name="b", low=0, high=1, bins=2))
    >>> cell_of(axes, {"a": 0.5, "b": 9.0})
    5
    """
    index = 0
    for axis in axes:
        # Clipping first keeps the product finite for values near the largest double.
        bin_ = int((axis.bins * (_clipped(axis, values) - axis.low) + _EPSILON) / (axis.high - axis.low))
        index = index * axis.bins + min(max(bin_, 0), axis.bins - 1)
    return index


def bins_of(axes: Sequence[Descriptor], cell: int) -> tuple[int, ...]:
    """Return the bin per axis of a flat cell index: the inverse of ``cell_of``'s last step."""
    bins = []
    for axis in reversed(axes):
        cell, bin_ = divmod(cell, axis.bins)
        bins.append(bin_)
    return tuple(reversed(bins))


def tessellation_of(axes: Sequence[Descriptor], chosen: Tessellating) -> Tessellation:
    """Return the niches that a run's settings describe. Raises SpeciateError where they do not fit the problem."""
    return Bins(axes) if chosen.kind == "grid" else Centroids(axes, chosen.centroids)


def laid_out(axes: Sequence[Descriptor], chosen: Tessellating) -> Tessellating:
    """Return the settings as a new run keeps them: with the centroids of a CVT, and how many niches there are.

    Raises SpeciateError for a CVT of a problem without numeric descriptors.
    """
    dimensions = sum(not axis.categories for axis in axes)
    if chosen.kind == "cvt" and not dimensions:
        raise SpeciateError("--archive cvt needs a numeric descriptor, the problem has none: use --archive grid")
    if chosen.kind == "cvt" and not chosen.centroids:
        chosen = chosen.model_copy(update={"centroids": lloyd(chosen.niches, dimensions, _LAYOUT_SEED)})
    return chosen.model_copy(update={"cells": tessellation_of(axes, chosen).cells})


def lloyd(count: int, dimensions: int, seed: int) -> tuple[tuple[float, ...], ...]:
    """Return ``count`` points spread evenly over the unit cube: k-means of uniform samples (Lloyd 1982).

    Args:
        count: how many points.
        dimensions: coordinates of each.
        seed: of the samples.

    Returns points in lexicographic order, rounded to six decimals.
    """
    import numpy as np
    from scipy.spatial import KDTree

    random = np.random.default_rng(seed)
    samples = random.random((max(_LEAST_SAMPLES, _SAMPLES_A_CENTROID * count), dimensions))
    points, before = samples[:count].copy(), None
    for _ in range(_ROUNDS):
        nearest = KDTree(points).query(samples)[1]
        if before is not None and (nearest == before).all():
            break
        before = nearest
        sizes = np.bincount(nearest, minlength=count)
        for axis in range(dimensions):
            sums = np.bincount(nearest, weights=samples[:, axis], minlength=count)
            # A point that is nearest to no sample stays where it is.
            points[:, axis] = np.where(sizes > 0, sums / np.maximum(sizes, 1), points[:, axis])
    return tuple(sorted(tuple(round(float(value), _DECIMALS) for value in point) for point in points))


def _clipped(axis: Descriptor, values: Mapping[str, float]) -> float:
    value = values.get(axis.name)
    if value is None or not isfinite(value):
        raise ProblemError(f"expected a finite descriptor {axis.name!r} from the judge, got {value}")
    if axis.categories and value not in range(len(axis.categories)):
        raise ProblemError(
            f"expected the number of a category as descriptor {axis.name!r}, a whole one from 0 to "
            f"{len(axis.categories) - 1}, got {value}: see Descriptor.number"
        )
    return min(max(value, axis.low), axis.high)
