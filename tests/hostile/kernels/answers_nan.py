import numpy as np


def row_softmax(x, y, rows, columns):
    y[...] = np.nan
