"""What kernels that work row by row have in common: sizes, and rows that lie apart."""

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import Sizes


def row_sizes(rows: int, columns: int, gap: int = 0) -> Sizes:
    """Return sizes for rows that begin ``columns + gap`` elements behind one another."""
    return {"rows": rows, "columns": columns, "stride": columns + gap}


TEST_ROWS = (
    row_sizes(1, 1),
    row_sizes(1, 127),
    row_sizes(7, 13, 4),
    row_sizes(3, 1021),
    row_sizes(31, 64),
    row_sizes(5, 100, 28),
    row_sizes(2, 4096),
    row_sizes(17, 257, 1),
    row_sizes(1, 8191),
)
"""One element, primes, whole vectors and what is left of them, rows that lie apart, a row beyond the first cache."""


def hidden_rows(rng: np.random.Generator) -> Sizes:
    """Draw a few rows of up to 3,000 columns, half of the time some way apart."""
    gap = int(rng.integers(1, 40)) if rng.random() < 0.5 else 0
    return row_sizes(int(rng.integers(1, 24)), int(rng.integers(1, 3000)), gap)


def rows_apart(values: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """Return the rows ``stride`` elements behind one another, NaN between them: whoever reads that shows it."""
    gap = stride - values.shape[1]
    return np.pad(values, ((0, 0), (0, gap)), constant_values=np.nan) if gap else values
