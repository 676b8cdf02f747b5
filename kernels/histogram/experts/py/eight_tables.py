"""Eight tables in turn; eight values that are alike are counted at once.

Source: written for this problem
"""

import numba
import numpy as np


@numba.njit
def histogram(values, counts, count):
    table = np.zeros((8, 256), dtype=np.uint32)
    whole = count // 8 * 8
    for i in range(0, whole, 8):
        first = values[i]
        other = 0
        for part in range(1, 8):
            other |= values[i + part] ^ first
        if other == 0:
            table[0, np.uint8(first)] += np.uint32(8)
        else:
            for part in range(8):
                table[part, np.uint8(values[i + part])] += np.uint32(1)
    for i in range(whole, count):
        table[0, np.uint8(values[i])] += np.uint32(1)
    for place in range(256):
        found = np.uint32(0)
        for part in range(8):
            found += table[part, place]
        counts[place] = found
