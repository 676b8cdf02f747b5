"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(packed, scale, x, y, rows, groups):
    """Unpack and scale the whole matrix, and multiply."""
    weights = np.empty((rows, groups, 64, 2), dtype=np.float32)
    weights[..., 0] = packed & 15
    weights[..., 1] = packed >> 4
    weights -= 8.0
    weights *= scale[:, :, None, None]
    np.dot(weights.reshape(rows, -1), x.reshape(-1), out=y)


def torch_eager(packed, scale, x, y, rows, groups):
    """The same in torch's own operations: what a model without a kernel does."""
    torch, weights, vector, out = _torch(packed, scale, x, y)
    with torch.inference_mode():
        torch.mv(weights, vector, out=out)


_kept = {}


def before_torch_dequantised(packed, scale, x, y, rows, groups):
    """Unpack the weights, as a model that keeps them in float32 has done once and for all."""
    _kept[id(packed)] = _torch(packed, scale, x, y)


def torch_dequantised(packed, scale, x, y, rows, groups):
    """The product alone, of weights that are there in float32 and are eight times as many bytes."""
    torch, weights, vector, out = _kept.pop(id(packed))
    with torch.inference_mode():
        torch.mv(weights, vector, out=out)


def _torch(packed, scale, x, y):
    import torch

    torch.set_num_threads(1)
    given = torch.from_numpy(packed)
    weights = torch.stack((given & 15, given >> 4), dim=-1).flatten(2).float().sub_(8.0)
    weights *= torch.from_numpy(scale)[:, :, None]
    return torch, weights.flatten(1), torch.from_numpy(x).flatten(), torch.from_numpy(y)
