import math

import numba


@numba.njit
def row_scale(x, y, positive, rows, columns, epsilon):
    for row in range(rows):
        squares = 0.0
        count = 0
        for i in range(columns):
            squares += x[row, i] * x[row, i]
            count += x[row, i] > 0
        for i in range(columns):
            y[row, i] = x[row, i] / math.sqrt(squares / columns + epsilon)
        positive[row] = count
