"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(q, k, v, out, heads, length):
    """Head by head, with all scores of a head at once."""
    later = np.triu(np.ones((length, length), dtype=bool), 1)
    for head in range(heads):
        scores = (q[head] @ k[head].T) * np.float32(0.125)
        scores[later] = -np.inf
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        np.matmul(scores, v[head], out=out[head])


def torch_eager(q, k, v, out, heads, length):
    """The formula as models wrote it, with all scores of all heads at once."""
    torch, a, b, c, y = _torch(q, k, v, out)
    with torch.inference_mode():
        scores = (a @ b.transpose(1, 2)) * 0.125
        scores.masked_fill_(torch.ones(length, length, dtype=torch.bool).triu_(1), float("-inf"))
        torch.bmm(torch.softmax(scores, dim=-1), c, out=y)


def torch_attention(q, k, v, out, heads, length):
    """The library's one operation."""
    torch, a, b, c, y = _torch(q, k, v, out)
    with torch.inference_mode():
        found = torch.nn.functional.scaled_dot_product_attention(a[None], b[None], c[None], is_causal=True)
        y.copy_(found[0])


def _torch(*arrays):
    import torch

    torch.set_num_threads(1)
    return torch, *map(torch.from_numpy, arrays)
