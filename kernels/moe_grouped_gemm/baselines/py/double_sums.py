"""The plain form with its sums in double: across the rows of the weights, a cache line for every product.

Control.
"""

import numba


@numba.njit
def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    for token in range(tokens):
        chosen = expert[token]
        for n in range(outputs):
            total = 0.0
            for k in range(width):
                total += x[token, k] * weights[chosen, k, n]
            out[token, n] = total
