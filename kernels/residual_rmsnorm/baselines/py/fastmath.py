"""The plain loops, with leave to add in any order, which lets the compiler use vectors.

Source: Numba's option fastmath
"""

import math

import numba


@numba.njit(fastmath=True)
def residual_rmsnorm(x, residual, weight, out, total, rows, columns, stride, epsilon):
    for row in range(rows):
        squares = numba.float32(0.0)
        for i in range(columns):
            value = x[row, i] + residual[row, i]
            total[row, i] = value
            squares += value * value
        scale = numba.float32(1.0 / math.sqrt(squares / columns + epsilon))
        for i in range(columns):
            out[row, i] = total[row, i] * scale * weight[i]
