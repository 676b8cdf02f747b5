"""Known forms of the same function, called as a design in Python is. Trusted: they run outside of any sandbox.

One that does not run here (a library is missing) is left out; the quickest of the others counts, at each size.
"""

import numpy as np


def numpy_form(x, bias, out, rows, columns):
    """The formula, each step over the whole array."""
    v = x + bias
    np.multiply(v, v, out=out)
    out *= v
    out *= np.float32(0.044715)
    out += v
    out *= np.float32(0.7978845608)
    np.tanh(out, out=out)
    out += np.float32(1.0)
    out *= v
    out *= np.float32(0.5)


def torch_form(x, bias, out, rows, columns):
    """The library's one operation."""
    import torch

    with torch.inference_mode():
        v = torch.from_numpy(x) + torch.from_numpy(bias)
        torch.from_numpy(out).copy_(torch.nn.functional.gelu(v, approximate="tanh"))
