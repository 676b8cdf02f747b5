"""Each step over the whole array, by NumPy.

Source: eager execution
"""

import numpy as np


def residual_rmsnorm(x, residual, weight, out, total, rows, columns, stride, epsilon):
    np.add(x[:, :columns], residual[:, :columns], out=total)
    mean = np.mean(np.square(total), axis=1, keepdims=True)
    np.multiply(total, (1.0 / np.sqrt(mean + np.float32(epsilon))).astype(np.float32), out=out)
    np.multiply(out, weight, out=out)
