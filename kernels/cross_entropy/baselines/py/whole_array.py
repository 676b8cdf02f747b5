"""Each step over the whole array, by NumPy.

Source: eager execution
"""

import numpy as np


def cross_entropy(x, target, loss, rows, columns, stride):
    x = x[:, :columns]
    most = x.max(axis=1, keepdims=True)
    chosen = np.take_along_axis(x, target[:, None], axis=1) - most
    np.subtract(np.log(np.exp(x - most).sum(axis=1)), chosen[:, 0], out=loss)
