"""Unpack one row at a time, and multiply, by NumPy: thousands of small calls.

Control.
"""

import numpy as np


def int4_gemv(packed, scale, x, y, rows, groups):
    weights = np.empty((groups, 64, 2), dtype=np.float32)
    for row in range(rows):
        for group in range(groups):
            weights[group, :, 0] = packed[row, group] & 15
            weights[group, :, 1] = packed[row, group] >> 4
            weights[group] -= np.float32(8.0)
            weights[group] *= scale[row, group]
        y[row] = np.dot(weights.reshape(-1), x.reshape(-1))
