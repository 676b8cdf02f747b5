"""Head by head, both elements of a pair at once: each is read once.

Source: the rotation as Su et al. write it, "RoFormer", 2021
"""

import numba


@numba.njit
def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    for token in range(tokens):
        for head in range(heads):
            a = head * 2 * half
            b = a + half
            for i in range(half):
                c = cosine[token, i]
                s = sine[token, i]
                out[token, a + i] = x[token, a + i] * c - x[token, b + i] * s
                out[token, b + i] = x[token, b + i] * c + x[token, a + i] * s
