"""Each step over the whole array, by NumPy.

Source: eager execution
"""

import numpy as np


def softmax(x, out, rows, columns, stride):
    x = x[:, :columns]
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(axis=1, keepdims=True), out=out)
