"""Four elements are summed beside the running sum, which then waits once for all of them.

Source: written for this problem
"""

import numba


@numba.njit
def prefix_sum(x, out, count):
    total = 0.0
    whole = count // 4 * 4
    for i in range(0, whole, 4):
        a = numba.float64(x[i])
        b = a + x[i + 1]
        c = numba.float64(x[i + 2])
        d = c + x[i + 3]
        out[i] = total + a
        out[i + 1] = total + b
        out[i + 2] = total + (b + c)
        total += b + d
        out[i + 3] = total
    for i in range(whole, count):
        total += x[i]
        out[i] = total
