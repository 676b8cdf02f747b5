"""Maximum and sum in one pass: the sum so far is scaled whenever a larger element comes.

Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018
"""

import math

import numba


@numba.njit
def cross_entropy(x, target, loss, rows, columns, stride):
    for row in range(rows):
        most = x[row, 0]
        total = 1.0
        for i in range(1, columns):
            if x[row, i] > most:
                total = total * math.exp(most - x[row, i]) + 1.0
                most = x[row, i]
            else:
                total += math.exp(x[row, i] - most)
        loss[row] = math.log(total) - (x[row, target[row]] - most)
