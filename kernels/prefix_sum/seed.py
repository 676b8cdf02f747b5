"""One running sum in double."""

import numba


@numba.njit
def prefix_sum(x, out, count):
    total = 0.0
    for i in range(count):
        total += numba.float64(x[i])
        out[i] = total
