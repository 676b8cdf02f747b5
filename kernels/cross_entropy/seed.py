"""Two passes over each row, one element at a time: maximum, then the sum of exponentials."""

import math

import numba


@numba.njit
def cross_entropy(x, target, loss, rows, columns, stride):
    for row in range(rows):
        most = x[row, 0]
        for i in range(1, columns):
            if x[row, i] > most:
                most = x[row, i]
        total = 0.0
        for i in range(columns):
            total += float(math.exp(x[row, i] - most))
        loss[row] = math.log(total) - (x[row, target[row]] - most)
