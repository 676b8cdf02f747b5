"""Head by head, with all scores of a head at once, by NumPy.

Source: eager execution
"""

import numpy as np


def causal_attention(q, k, v, out, heads, length):
    later = np.triu(np.ones((length, length), dtype=bool), 1)
    for head in range(heads):
        scores = (q[head] @ k[head].T) * np.float32(0.125)
        scores[later] = -np.inf
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        np.matmul(scores, v[head], out=out[head])
