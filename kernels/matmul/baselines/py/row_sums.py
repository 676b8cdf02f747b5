"""Row by row: a multiple of each row of b is added to a row of the product, so that all memory is read in order.

Source: loop interchange
"""

import numba


@numba.njit(fastmath=True)
def matmul(a, b, out, rows, columns, depth):
    for i in range(rows):
        for j in range(columns):
            out[i, j] = 0.0
        for p in range(depth):
            factor = a[i, p]
            for j in range(columns):
                out[i, j] += factor * b[p, j]
