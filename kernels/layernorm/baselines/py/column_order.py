"""Column by column: every element is in another cache line than the one before.

Control.
"""

import math

import numba
import numpy as np


@numba.njit
def layernorm(x, weight, bias, out, rows, columns, stride, epsilon):
    mean = np.zeros(rows)
    squares = np.zeros(rows)
    for i in range(columns):
        for row in range(rows):
            before = x[row, i] - mean[row]
            mean[row] += before / (i + 1)
            squares[row] += before * (x[row, i] - mean[row])
    for i in range(columns):
        for row in range(rows):
            scale = 1.0 / math.sqrt(squares[row] / columns + epsilon)
            out[row, i] = (x[row, i] - mean[row]) * scale * weight[i] + bias[i]
