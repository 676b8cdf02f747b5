"""NumPy row by row: one scratch row is in cache for every step.

Source: cache blocking
"""

import numpy as np


def cross_entropy(x, target, loss, rows, columns, stride):
    powers = np.empty(columns, dtype=np.float32)
    for row in range(rows):
        most = x[row, :columns].max()
        np.subtract(x[row, :columns], most, out=powers)
        chosen = powers[target[row]]
        np.exp(powers, out=powers)
        loss[row] = np.log(powers.sum()) - chosen
