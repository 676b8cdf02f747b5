"""Unpack and scale the whole matrix, and multiply, by NumPy.

Source: eager execution
"""

import numpy as np


def int4_gemv(packed, scale, x, y, rows, groups):
    weights = np.empty((rows, groups, 64, 2), dtype=np.float32)
    weights[..., 0] = packed & 15
    weights[..., 1] = packed >> 4
    weights -= np.float32(8.0)
    weights *= scale[:, :, None, None]
    np.dot(weights.reshape(rows, -1), x.reshape(-1), out=y)
