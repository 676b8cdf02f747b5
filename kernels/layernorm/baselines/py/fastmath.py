"""The two passes, with leave to sum in any order, which lets the compiler use vectors.

Source: Numba's option fastmath
"""

import math

import numba


@numba.njit(fastmath=True)
def layernorm(x, weight, bias, out, rows, columns, stride, epsilon):
    for row in range(rows):
        total = 0.0
        for i in range(columns):
            total += x[row, i]
        mean = total / columns
        squares = 0.0
        for i in range(columns):
            squares += (x[row, i] - mean) * (x[row, i] - mean)
        scale = 1.0 / math.sqrt(squares / columns + epsilon)
        for i in range(columns):
            out[row, i] = (x[row, i] - mean) * scale * weight[i] + bias[i]
