import numpy as np


def softmax(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def row_softmax(x, y, rows, columns):
    y[...] = softmax(x)
    np.lib.stride_tricks.as_strided(y.reshape(-1)[-1:], (33,), (4,))[1:] = 7
