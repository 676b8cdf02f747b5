"""Count the length of each run of equal values, and add it once.

Source: run-length encoding
"""

import numba


@numba.njit
def histogram(values, counts, count):
    for place in range(256):
        counts[place] = 0
    last = values[0]
    run = 0
    for i in range(count):
        if values[i] == last:
            run += 1
        else:
            counts[last] += run
            last = values[i]
            run = 1
    counts[last] += run
