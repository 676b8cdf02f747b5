"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(x, weight, bias, out, rows, columns, stride, epsilon):
    """Mean, distances, their mean square, and the rest, each over the whole array."""
    x = x[:, :columns]
    np.subtract(x, x.mean(axis=1, keepdims=True), out=out)
    variance = np.mean(np.square(out), axis=1, keepdims=True)
    np.multiply(out, 1.0 / np.sqrt(variance + np.float32(epsilon)), out=out)
    np.multiply(out, weight, out=out)
    np.add(out, bias, out=out)


def torch_eager(x, weight, bias, out, rows, columns, stride, epsilon):
    """The formula with torch's own operations."""
    import torch

    x, weight, bias, out = map(torch.from_numpy, (x[:, :columns], weight, bias, out))
    with torch.inference_mode():
        variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        torch.sub(x, mean, out=out)
        out.mul_(torch.rsqrt(variance + epsilon)).mul_(weight).add_(bias)


def torch_layer_norm(x, weight, bias, out, rows, columns, stride, epsilon):
    """The library's one operation."""
    import torch

    x, weight, bias, out = map(torch.from_numpy, (x[:, :columns], weight, bias, out))
    with torch.inference_mode():
        out.copy_(torch.nn.functional.layer_norm(x, (columns,), weight, bias, epsilon))
