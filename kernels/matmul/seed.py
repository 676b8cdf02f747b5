"""Element by element of the product, each a sum over the depth."""

import numba


@numba.njit
def matmul(a, b, out, rows, columns, depth):
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for p in range(depth):
                total += float(a[i, p]) * float(b[p, j])
            out[i, j] = total
