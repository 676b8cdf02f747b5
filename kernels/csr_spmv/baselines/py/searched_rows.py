"""Nonzero by nonzero, each of which searches for the row that it belongs to.

Control.
"""

import numba


@numba.njit
def csr_spmv(start, column, value, x, y, rows, columns, nonzeros, bounds):
    for row in range(rows):
        y[row] = 0.0
    for i in range(nonzeros):
        low, high = 0, rows
        while high - low > 1:
            middle = (low + high) // 2
            if start[middle] <= i:
                low = middle
            else:
                high = middle
        y[low] += value[i] * x[column[i]]
