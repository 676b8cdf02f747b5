"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_matmul(a, b, out, rows, columns, depth):
    """The library that NumPy was built with (OpenBLAS)."""
    np.matmul(a, b, out=out)


def torch_mm(a, b, out, rows, columns, depth):
    """The library that torch was built with (MKL)."""
    import torch

    with torch.inference_mode():
        torch.mm(torch.from_numpy(a), torch.from_numpy(b), out=torch.from_numpy(out))
