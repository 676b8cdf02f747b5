"""The library that NumPy was built with.

Source: OpenBLAS
"""

import numpy as np


def matmul(a, b, out, rows, columns, depth):
    np.matmul(a, b, out=out)
