"""The loops over outputs and products change places, so that weights are read in the order in which they lie.

Source: loop interchange
"""

import numba


@numba.njit
def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    for token in range(tokens):
        matrix = weights[expert[token]]
        row = out[token]
        for n in range(outputs):
            row[n] = 0.0
        for k in range(width):
            factor = x[token, k]
            for n in range(outputs):
                row[n] += factor * matrix[k, n]
