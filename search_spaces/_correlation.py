"""Rank correlation: how far one thing follows another, whatever their scales."""

import numpy as np
import numpy.typing as npt


def spearman(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Return Spearman's rank correlation of two arrays of shape (n,); ties keep their order. 0 where n < 2."""
    if np.size(one) < 2:
        return 0.0
    first, second = (np.argsort(np.argsort(each, kind="stable"), kind="stable") for each in (one, other))
    return float(np.corrcoef(first, second)[0, 1])
