"""The plain loops, with leave to add in any order, which lets the compiler use vectors.

Source: Numba's option fastmath
"""

import math

import numba
import numpy as np


@numba.njit(fastmath={"reassoc", "contract", "nsz", "arcp"})
def causal_attention(q, k, v, out, heads, length):
    scores = np.empty(length, dtype=np.float32)
    for head in range(heads):
        for i in range(length):
            top = numba.float32(-3.0e38)
            for j in range(i + 1):
                dot = numba.float32(0.0)
                for d in range(64):
                    dot += q[head, i, d] * k[head, j, d]
                scores[j] = dot * numba.float32(0.125)
                top = max(top, scores[j])
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
