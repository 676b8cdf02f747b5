"""Each value searches for its bin by halving, as where bins are not all of one width.

Control.
"""

import numba


@numba.njit
def histogram(values, counts, count):
    for place in range(256):
        counts[place] = 0
    for i in range(count):
        low, high = 0, 256
        while high - low > 1:
            middle = (low + high) // 2
            if values[i] < middle:
                high = middle
            else:
                low = middle
        counts[low] += 1
