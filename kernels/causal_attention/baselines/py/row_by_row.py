"""One position at a time, by NumPy, with keys and values seen so far joined anew: many small calls and copies.

Control.
"""

import numpy as np


def causal_attention(q, k, v, out, heads, length):
    for head in range(heads):
        for i in range(length):
            keys = np.stack([k[head, j] for j in range(i + 1)])
            scores = (keys @ q[head, i]) * np.float32(0.125)
            powers = np.exp(scores - scores.max())
            out[head, i] = (powers / powers.sum()) @ np.stack([v[head, j] for j in range(i + 1)])
