"""Four running sums a row, so that an addition need not wait for the one before.

Source: loop unrolling, in every textbook on pipelines
"""

import math

import numba


@numba.njit
def residual_rmsnorm(x, residual, weight, out, total, rows, columns, stride, epsilon):
    whole = columns // 4 * 4
    for row in range(rows):
        s0 = s1 = s2 = s3 = 0.0
        for i in range(0, whole, 4):
            for j in range(4):
                total[row, i + j] = x[row, i + j] + residual[row, i + j]
            s0 += total[row, i] * total[row, i]
            s1 += total[row, i + 1] * total[row, i + 1]
            s2 += total[row, i + 2] * total[row, i + 2]
            s3 += total[row, i + 3] * total[row, i + 3]
        for i in range(whole, columns):
            total[row, i] = x[row, i] + residual[row, i]
            s0 += total[row, i] * total[row, i]
        scale = numba.float32(1.0 / math.sqrt((s0 + s1 + s2 + s3) / columns + epsilon))
        for i in range(columns):
            out[row, i] = total[row, i] * scale * weight[i]
