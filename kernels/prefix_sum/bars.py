"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(x, out, count):
    """NumPy's own operation, with its sum in float64."""
    out[...] = np.cumsum(x, dtype=np.float64)


def torch_cumsum(x, out, count):
    """The library's one operation, which keeps its sum in double."""
    import torch

    torch.set_num_threads(1)
    with torch.inference_mode():
        torch.cumsum(torch.from_numpy(x), 0, out=torch.from_numpy(out))
