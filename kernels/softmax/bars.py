"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(x, out, rows, columns, stride):
    """Maximum, exponentials, sum and quotient, each over the whole array."""
    x = x[:, :columns]
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(axis=1, keepdims=True), out=out)


def torch_eager(x, out, rows, columns, stride):
    """The formula with torch's own operations."""
    import torch

    x, out = torch.from_numpy(x[:, :columns]), torch.from_numpy(out)
    with torch.inference_mode():
        torch.sub(x, x.amax(-1, keepdim=True), out=out)
        out.exp_()
        out.div_(out.sum(-1, keepdim=True))


def torch_softmax(x, out, rows, columns, stride):
    """The library's one operation."""
    import torch

    with torch.inference_mode():
        torch.softmax(torch.from_numpy(x[:, :columns]), -1, out=torch.from_numpy(out))
