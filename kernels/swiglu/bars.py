"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(x, out, rows, columns):
    """Exponential, sum, quotient and product, each over the whole array."""
    gate = x[:, 0]
    np.negative(gate, out=out)
    np.exp(out, out=out)
    np.add(out, np.float32(1.0), out=out)
    np.divide(gate, out, out=out)
    np.multiply(out, x[:, 1], out=out)


def torch_eager(x, out, rows, columns):
    """The formula with torch's own operations."""
    import torch

    x, out = torch.from_numpy(x), torch.from_numpy(out)
    with torch.inference_mode():
        torch.sigmoid(x[:, 0], out=out)
        out.mul_(x[:, 0]).mul_(x[:, 1])


def torch_silu(x, out, rows, columns):
    """The library's one operation for the gate, and a product."""
    import torch

    x, out = torch.from_numpy(x), torch.from_numpy(out)
    with torch.inference_mode():
        torch.mul(torch.nn.functional.silu(x[:, 0]), x[:, 1], out=out)


def torch_compiled(x, out, rows, columns):
    """The formula, fused by torch.compile."""
    import torch

    if not _made:
        _made.append(torch.compile(_fused))
    with torch.inference_mode():
        _made[0](torch.from_numpy(x), torch.from_numpy(out))


_made = []


def _fused(x, out):
    gate = x[:, 0]
    out.copy_(gate * gate.sigmoid() * x[:, 1])
