"""Position by position: all scores, their largest, and then the values, one after the other."""

import math

import numba
import numpy as np


@numba.njit
def causal_attention(q, k, v, out, heads, length):
    scores = np.empty(length, dtype=np.float32)
    for head in range(heads):
        for i in range(length):
            top = -math.inf
            for j in range(i + 1):
                dot = numba.float32(0.0)
                for d in range(64):
                    dot += q[head, i, d] * k[head, j, d]
                scores[j] = dot * 0.125
                if scores[j] > top:
                    top = scores[j]
            total = 0.0
            for d in range(64):
                out[head, i, d] = 0.0
            for j in range(i + 1):
                power = math.exp(scores[j] - top)
                total += power
                for d in range(64):
                    out[head, i, d] += power * v[head, j, d]
            for d in range(64):
                out[head, i, d] /= total
