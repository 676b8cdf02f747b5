"""All tokens for one element before the next element: every access is in another cache line than the one before.

Control.
"""

import numba


@numba.njit
def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    for j in range(width):
        place = j % (2 * half)
        for token in range(tokens):
            if place < half:
                out[token, j] = x[token, j] * cosine[token, place] - x[token, j + half] * sine[token, place]
            else:
                angle = place - half
                out[token, j] = x[token, j] * cosine[token, angle] + x[token, j - half] * sine[token, angle]
