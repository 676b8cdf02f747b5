"""Two passes over each row, one element at a time."""

import math

import numba


@numba.njit
def residual_rmsnorm(x, residual, weight, out, total, rows, columns, stride, epsilon):
    for row in range(rows):
        squares = 0.0
        for i in range(columns):
            value = x[row, i] + residual[row, i]
            total[row, i] = value
            squares += value * value
        scale = 1.0 / math.sqrt(squares / columns + epsilon)
        for i in range(columns):
            out[row, i] = total[row, i] * scale * weight[i]
