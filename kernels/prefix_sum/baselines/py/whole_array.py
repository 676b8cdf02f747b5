"""NumPy's own operation, with its sum in float64.

Source: numpy.cumsum
"""

import numpy as np


def prefix_sum(x, out, count):
    out[...] = np.cumsum(x, dtype=np.float64)
