"""Eight scans for the largest that is left.

Source: selection sort, stopped early
"""

import math

import numba
import numpy as np


@numba.njit
def moe_gating(logits, weights, chosen, tokens, stride):
    left = np.empty(128, dtype=np.float32)
    for token in range(tokens):
        for i in range(128):
            left[i] = logits[token, i]
        for j in range(8):
            best = 0
            for i in range(1, 128):
                if left[i] > left[best]:
                    best = i
            chosen[token, j] = best
            left[best] = -np.inf
        top = logits[token, chosen[token, 0]]
        total = 0.0
        for i in range(128):
            total += math.exp(logits[token, i] - top)
        for j in range(8):
            weights[token, j] = math.exp(logits[token, chosen[token, j]] - top) / total
