"""Element by element, each with the one that it is turned against."""

import numba


@numba.njit
def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    for token in range(tokens):
        for j in range(width):
            place = j % (2 * half)
            if place < half:
                out[token, j] = x[token, j] * cosine[token, place] - x[token, j + half] * sine[token, place]
            else:
                place -= half
                out[token, j] = x[token, j] * cosine[token, place] + x[token, j - half] * sine[token, place]
