"""The plain loop in float32, where an exponential that overflows is infinite.

Source: written for this problem
"""

import math

import numba


@numba.njit(error_model="numpy")
def swiglu(x, out, rows, columns):
    one = numba.float32(1.0)
    for row in range(rows):
        for i in range(columns):
            gate = x[row, 0, i]
            out[row, i] = gate / (one + math.exp(-gate)) * x[row, 1, i]
