"""Each step over the whole array, by NumPy.

Source: eager execution
"""

import numpy as np


def swiglu(x, out, rows, columns):
    np.exp(-x[:, 0], out=out)
    np.add(out, np.float32(1.0), out=out)
    np.divide(x[:, 0], out, out=out)
    np.multiply(out, x[:, 1], out=out)
