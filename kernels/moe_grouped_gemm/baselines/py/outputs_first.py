"""Output by output over all tokens: every product reads another part of another matrix.

Control.
"""

import numba


@numba.njit
def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    for n in range(outputs):
        for token in range(tokens):
            total = 0.0
            for k in range(width):
                total += x[token, k] * weights[expert[token], k, n]
            out[token, n] = total
