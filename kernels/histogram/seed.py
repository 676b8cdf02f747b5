"""One table of counters, one value at a time."""

import numba


@numba.njit
def histogram(values, counts, count):
    for place in range(256):
        counts[place] = 0
    for i in range(count):
        counts[values[i]] += 1
