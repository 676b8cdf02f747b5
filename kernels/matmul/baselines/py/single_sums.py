"""The plain form with its sums in float32: nothing is made sooner.

Control.
"""

import numba


@numba.njit
def matmul(a, b, out, rows, columns, depth):
    for i in range(rows):
        for j in range(columns):
            total = numba.float32(0.0)
            for p in range(depth):
                total += a[i, p] * b[p, j]
            out[i, j] = total
