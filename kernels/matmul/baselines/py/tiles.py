"""Tiles of 64: a part of b that fits the first cache is used for all rows before the next part.

Source: Lam, Rothberg and Wolf, "The cache performance and optimizations of blocked algorithms", 1991
"""

import numba


@numba.njit(fastmath=True)
def matmul(a, b, out, rows, columns, depth):
    out[:] = 0.0
    for first in range(0, columns, 64):
        last = min(first + 64, columns)
        for start in range(0, depth, 64):
            end = min(start + 64, depth)
            for i in range(rows):
                for p in range(start, end):
                    factor = a[i, p]
                    for j in range(first, last):
                        out[i, j] += factor * b[p, j]
