"""One pass over all values for each bin.

Control.
"""

import numba


@numba.njit
def histogram(values, counts, count):
    for place in range(256):
        found = 0
        for i in range(count):
            found += values[i] == place
        counts[place] = found
