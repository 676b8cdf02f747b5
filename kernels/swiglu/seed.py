"""One element at a time."""

import math

import numba


@numba.njit
def swiglu(x, out, rows, columns):
    for row in range(rows):
        for i in range(columns):
            gate = x[row, 0, i]
            if gate < -700.0:
                out[row, i] = 0.0
            else:
                out[row, i] = gate / (1.0 + math.exp(-gate)) * x[row, 1, i]
