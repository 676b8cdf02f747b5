"""Four running sums a row, so that an addition need not wait for the one before.

Source: loop unrolling, in every textbook on pipelines
"""

import numba


@numba.njit
def csr_spmv(start, column, value, x, y, rows, columns, nonzeros, bounds):
    for row in range(rows):
        end = start[row + 1]
        i = start[row]
        s0 = s1 = s2 = s3 = numba.float32(0.0)
        while i + 4 <= end:
            s0 += value[i] * x[column[i]]
            s1 += value[i + 1] * x[column[i + 1]]
            s2 += value[i + 2] * x[column[i + 2]]
            s3 += value[i + 3] * x[column[i + 3]]
            i += 4
        while i < end:
            s0 += value[i] * x[column[i]]
            i += 1
        y[row] = (s0 + s1) + (s2 + s3)
