"""Column by column: every element is in another cache line than the one before.

Control.
"""

import math

import numba
import numpy as np


@numba.njit
def cross_entropy(x, target, loss, rows, columns, stride):
    most = np.full(rows, -np.inf)
    total = np.zeros(rows)
    for i in range(columns):
        for row in range(rows):
            most[row] = max(most[row], x[row, i])
    for i in range(columns):
        for row in range(rows):
            total[row] += math.exp(x[row, i] - most[row])
    for row in range(rows):
        loss[row] = math.log(total[row]) - (x[row, target[row]] - most[row])
