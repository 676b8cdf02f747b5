"""Which elements of an output are wrong, in a few words: a vector's remainder, a tile, or all of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def extent(name: str, wrong: NDArray[np.bool_]) -> str:
    """Return how many elements are wrong, and the rows and columns that hold all of them where that says more.

    >>> extent("out", np.arange(6).reshape(2, 3) % 3 == 2)
    'out: 2 of 6 elements are wrong, all in columns 2 to 2 of 0 to 2'
    """
    flat: NDArray[Any] = wrong.reshape(-1, wrong.shape[-1]) if wrong.size else wrong.reshape(0, 1)
    found = int(flat.sum())
    if found == flat.size:
        return f"{name}: all elements are wrong"
    within = [
        f"{axis} {places[0]} to {places[-1]} of 0 to {size - 1}"
        for axis, size, places in (
            ("rows", flat.shape[0], np.flatnonzero(flat.any(axis=1))),
            ("columns", flat.shape[1], np.flatnonzero(flat.any(axis=0))),
        )
        if found and places[-1] - places[0] + 1 < size
    ]
    return f"{name}: {found} of {flat.size} elements are wrong" + (f", all in {' and '.join(within)}" if within else "")
