"""Two elements are added to each other first, so that the running sum waits once for both.

Source: unrolled scans
"""

import numba


@numba.njit
def prefix_sum(x, out, count):
    total = 0.0
    whole = count // 2 * 2
    for i in range(0, whole, 2):
        first = numba.float64(x[i])
        both = first + x[i + 1]
        out[i] = total + first
        total += both
        out[i + 1] = total
    if whole < count:
        out[whole] = total + x[whole]
