"""Token by token and output by output, one product at a time."""

import numba


@numba.njit
def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    for token in range(tokens):
        chosen = expert[token]
        for n in range(outputs):
            total = numba.float32(0.0)
            for k in range(width):
                total += x[token, k] * weights[chosen, k, n]
            out[token, n] = total
