"""Column by column: every element is in another cache line than the one before.

Control.
"""

import math

import numba
import numpy as np


@numba.njit
def residual_rmsnorm(x, residual, weight, out, total, rows, columns, stride, epsilon):
    squares = np.zeros(rows, dtype=np.float32)
    for i in range(columns):
        for row in range(rows):
            value = x[row, i] + residual[row, i]
            total[row, i] = value
            squares[row] += value * value
    for i in range(columns):
        for row in range(rows):
            out[row, i] = total[row, i] / math.sqrt(squares[row] / columns + epsilon) * weight[i]
