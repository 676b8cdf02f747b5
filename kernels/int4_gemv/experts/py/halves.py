"""The vector is split into even and odd elements once, so that both loops over a group's bytes go straight on.

Source: written for this problem
"""

import numba
import numpy as np


@numba.njit(fastmath=True)
def int4_gemv(packed, scale, x, y, rows, groups):
    even = np.empty((groups, 64), dtype=np.float32)
    odd = np.empty((groups, 64), dtype=np.float32)
    for group in range(groups):
        for j in range(64):
            even[group, j] = x[group, 2 * j]
            odd[group, j] = x[group, 2 * j + 1]
    for row in range(rows):
        total = numba.float32(0.0)
        for group in range(groups):
            dot = numba.float32(0.0)
            for j in range(64):
                byte = numba.int32(packed[row, group, j])
                low = numba.float32((byte & numba.int32(15)) - numba.int32(8))
                high = numba.float32((byte >> numba.int32(4)) - numba.int32(8))
                dot += low * even[group, j] + high * odd[group, j]
            total += scale[row, group] * dot
        y[row] = total
