"""Each step over the whole array, by NumPy.

Source: eager execution
"""

import numpy as np


def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    x = x[:, :width].reshape(tokens, heads, 2, half)
    y = out.reshape(tokens, heads, 2, half)
    np.multiply(x, cosine[:, None, None, :], out=y)
    y[:, :, 0] -= x[:, :, 1] * sine[:, None, :]
    y[:, :, 1] += x[:, :, 0] * sine[:, None, :]
