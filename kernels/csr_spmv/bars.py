"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(start, column, value, x, y, rows, columns, nonzeros, bounds):
    """All products, then a sum over each row that has some."""
    filled = np.flatnonzero(start[1:] > start[:-1])
    y[...] = 0.0
    y[filled] = np.add.reduceat(value * x[column], start[filled])


def torch_eager(start, column, value, x, y, rows, columns, nonzeros, bounds):
    """All products, added to the row that each belongs to."""
    torch, first, place, entries, vector, out = _torch(start, column, value, x, y)
    with torch.inference_mode():
        owner = torch.repeat_interleave(torch.arange(rows), (first[1:] - first[:-1]).long())
        out.zero_()
        out.index_add_(0, owner, entries * vector[place.long()])


def torch_sparse(start, column, value, x, y, rows, columns, nonzeros, bounds):
    """The library's own product."""
    torch, first, place, entries, vector, out = _torch(start, column, value, x, y)
    with torch.inference_mode():
        matrix = torch.sparse_csr_tensor(first, place, entries, (rows, columns), check_invariants=False)
        out.copy_(torch.mv(matrix, vector))


def _torch(*arrays):
    import torch

    torch.set_num_threads(1)
    return torch, *map(torch.from_numpy, arrays)
