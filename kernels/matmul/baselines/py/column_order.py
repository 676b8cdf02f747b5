"""Down the columns: every step is in another cache line of the product and of a than the one before.

Control.
"""

import numba


@numba.njit
def matmul(a, b, out, rows, columns, depth):
    out[:] = 0.0
    for j in range(columns):
        for p in range(depth):
            for i in range(rows):
                out[i, j] += a[i, p] * b[p, j]
