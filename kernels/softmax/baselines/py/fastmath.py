"""The plain loops in float32, with leave to take the sum in any order, and one division a row.

Source: Numba's option fastmath
"""

import math

import numba


@numba.njit(fastmath=True)
def softmax(x, out, rows, columns, stride):
    for row in range(rows):
        most = x[row, 0]
        for i in range(1, columns):
            most = max(most, x[row, i])
        for i in range(columns):
            out[row, i] = math.exp(x[row, i] - most)
        total = numba.float32(0.0)
        for i in range(columns):
            total += out[row, i]
        scale = numba.float32(1.0) / total
        for i in range(columns):
            out[row, i] *= scale
