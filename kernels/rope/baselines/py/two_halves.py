"""The first halves in one loop and the second ones in another, over slices that the compiler can make vectors of.

Source: loop fission
"""

import numba


@numba.njit
def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    for token in range(tokens):
        c = cosine[token]
        s = sine[token]
        for head in range(heads):
            a = x[token, head * 2 * half : head * 2 * half + half]
            b = x[token, head * 2 * half + half : (head + 1) * 2 * half]
            y = out[token, head * 2 * half : (head + 1) * 2 * half]
            for i in range(half):
                y[i] = a[i] * c[i] - b[i] * s[i]
            for i in range(half):
                y[half + i] = b[i] * c[i] + a[i] * s[i]
