"""All products at once by NumPy, then a sum over each row that has some.

Source: eager execution
"""

import numpy as np


def csr_spmv(start, column, value, x, y, rows, columns, nonzeros, bounds):
    filled = np.flatnonzero(start[1:] > start[:-1])
    y[...] = 0.0
    y[filled] = np.add.reduceat(value * x[column], start[filled])
