"""Row by row, one nonzero at a time."""

import numba


@numba.njit
def csr_spmv(start, column, value, x, y, rows, columns, nonzeros, bounds):
    for row in range(rows):
        total = numba.float32(0.0)
        for i in range(start[row], start[row + 1]):
            total += value[i] * x[column[i]]
        y[row] = total
