"""The plain loops, with leave to add in any order: eight sums a row, and indices known not to be negative.

Source: written for this problem
"""

import numba
import numpy as np


@numba.njit(fastmath=True)
def csr_spmv(start, column, value, x, y, rows, columns, nonzeros, bounds):
    for row in range(rows):
        total = numba.float32(0.0)
        for i in range(np.uint32(start[row]), np.uint32(start[row + 1])):
            total += value[i] * x[np.uint32(column[i])]
        y[row] = total
