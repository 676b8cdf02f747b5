"""Each step over the whole array, by NumPy, in double.

Control.
"""

import numpy as np


def swiglu(x, out, rows, columns):
    gate = x[:, 0].astype(np.float64)
    with np.errstate(over="ignore"):
        out[...] = gate / (1.0 + np.exp(-gate)) * x[:, 1]
