"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(values, counts, count):
    """NumPy's own operation."""
    counts[...] = np.bincount(values, minlength=256)


def torch_bincount(values, counts, count):
    """The library's one operation."""
    torch, given, out = _torch(values, counts)
    with torch.inference_mode():
        out.copy_(torch.bincount(given, minlength=256))


def torch_scatter(values, counts, count):
    """Ones, added where the values say."""
    torch, given, out = _torch(values, counts)
    with torch.inference_mode():
        out.zero_()
        out.scatter_add_(0, given.long(), torch.ones_like(given))


def _torch(*arrays):
    import torch

    torch.set_num_threads(1)
    return torch, *map(torch.from_numpy, arrays)
