"""Three passes over each row, one element at a time: maximum, exponentials and their sum, quotients."""

import math

import numba


@numba.njit
def softmax(x, out, rows, columns, stride):
    for row in range(rows):
        most = x[row, 0]
        for i in range(1, columns):
            if x[row, i] > most:
                most = x[row, i]
        total = 0.0
        for i in range(columns):
            out[row, i] = math.exp(x[row, i] - most)
            total += float(out[row, i])
        for i in range(columns):
            out[row, i] = out[row, i] / total
