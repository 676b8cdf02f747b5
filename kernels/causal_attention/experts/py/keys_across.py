"""Keys are turned on their side once a head, so that neighbouring scores grow at once; powers in a loop of their own.

Source: written for this problem
"""

import math

import numba
import numpy as np


@numba.njit(fastmath={"reassoc", "contract", "nsz", "arcp"})
def turn(keys, turned, length):
    for j in range(length):
        for d in range(64):
            turned[d, j] = keys[j, d]


@numba.njit(fastmath={"reassoc", "contract", "nsz", "arcp"})
def score(query, turned, scores, seen):
    for j in range(seen):
        scores[j] = 0.0
    for d in range(64):
        factor = query[d] * numba.float32(0.125)
        for j in range(seen):
            scores[j] += factor * turned[d, j]
    top = scores[0]
    for j in range(1, seen):
        top = max(top, scores[j])
    return top


@numba.njit(fastmath={"reassoc", "contract", "nsz", "arcp"})
def causal_attention(q, k, v, out, heads, length):
    turned = np.empty((64, length), dtype=np.float32)
    scores = np.empty(length, dtype=np.float32)
    for head in range(heads):
        turn(k[head], turned, length)
        for i in range(length):
            top = score(q[head, i], turned, scores, i + 1)
            total = numba.float32(0.0)
            for d in range(64):
                out[head, i, d] = 0.0
            for j in range(i + 1):
                power = numba.float32(math.exp(scores[j] - top))
                total += power
                for d in range(64):
                    out[head, i, d] += power * v[head, j, d]
            for d in range(64):
                out[head, i, d] /= total
