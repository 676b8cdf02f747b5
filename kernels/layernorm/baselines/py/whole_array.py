"""Each step over the whole array, by NumPy, with the mean in double.

Source: eager execution
"""

import numpy as np


def layernorm(x, weight, bias, out, rows, columns, stride, epsilon):
    x = x[:, :columns]
    out[...] = x - x.mean(axis=1, keepdims=True, dtype=np.float64)
    variance = np.mean(np.square(out), axis=1, keepdims=True)
    np.multiply(out, 1.0 / np.sqrt(variance + np.float32(epsilon)), out=out)
    np.multiply(out, weight, out=out)
    np.add(out, bias, out=out)
