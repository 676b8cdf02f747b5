"""Tokens are sorted by expert, whose weights are then in cache; four products at a time go to a row of results.

Source: written for this problem
"""

import numba
import numpy as np


@numba.njit(fastmath=True)
def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    start = np.zeros(65, dtype=np.int64)
    for token in range(tokens):
        start[expert[token] + 1] += 1
    for each in range(64):
        start[each + 1] += start[each]
    order = np.empty(tokens, dtype=np.int64)
    for token in range(tokens):
        order[start[expert[token]]] = token
        start[expert[token]] += 1
    whole = width // 4 * 4
    for place in range(tokens):
        token = order[place]
        matrix, given, row = weights[expert[token]], x[token], out[token]
        for n in range(outputs):
            row[n] = 0.0
        for k in range(0, whole, 4):
            a, b, c, d = given[k], given[k + 1], given[k + 2], given[k + 3]
            for n in range(outputs):
                row[n] += a * matrix[k, n] + b * matrix[k + 1, n] + c * matrix[k + 2, n] + d * matrix[k + 3, n]
        for k in range(whole, width):
            for n in range(outputs):
                row[n] += given[k] * matrix[k, n]
