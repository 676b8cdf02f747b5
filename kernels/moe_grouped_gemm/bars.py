"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(x, expert, weights, out, tokens, width, outputs):
    """Expert by expert, by the library's matrix product."""
    order = np.argsort(expert, kind="stable")
    ends = np.cumsum(np.bincount(expert, minlength=64))
    start = 0
    for each, end in enumerate(ends.tolist()):
        if end > start:
            out[order[start:end]] = x[order[start:end]] @ weights[each]
        start = end


def torch_eager(x, expert, weights, out, tokens, width, outputs):
    """Expert by expert, as models write it: who has chosen it, their product, and back to their places."""
    torch, given, chosen, matrices, result = _torch(x, expert, weights, out)
    with torch.inference_mode():
        for each in range(64):
            places = torch.where(chosen == each)[0]
            if len(places):
                result.index_copy_(0, places, given.index_select(0, places) @ matrices[each])


def torch_sorted(x, expert, weights, out, tokens, width, outputs):
    """Tokens sorted by expert once, products of neighbours, and one step back to their places."""
    torch, given, chosen, matrices, result = _torch(x, expert, weights, out)
    with torch.inference_mode():
        order = torch.argsort(chosen)
        counts = torch.bincount(chosen, minlength=64).tolist()
        parts = torch.split(given.index_select(0, order), counts)
        products = [part @ matrices[each] for each, part in enumerate(parts) if len(part)]
        result.index_copy_(0, order, torch.cat(products))


def _torch(*arrays):
    import torch

    torch.set_num_threads(1)
    return torch, *map(torch.from_numpy, arrays)
