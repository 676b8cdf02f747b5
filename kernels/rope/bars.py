"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(x, cosine, sine, out, tokens, heads, half, width, stride):
    """Four products, a difference and a sum, each over the whole array."""
    x = x[:, :width].reshape(tokens, heads, 2, half)
    y = out.reshape(tokens, heads, 2, half)
    cosine, sine = cosine[:, None, None, :], sine[:, None, :]
    np.multiply(x, cosine, out=y)
    y[:, :, 0] -= x[:, :, 1] * sine
    y[:, :, 1] += x[:, :, 0] * sine


def torch_eager(x, cosine, sine, out, tokens, heads, half, width, stride):
    """As models write it: the product with the cosines, and the turned halves' with the sines."""
    import torch

    x = torch.from_numpy(x)[:, :width].view(tokens, heads, 2 * half)
    y = torch.from_numpy(out).view(tokens, heads, 2 * half)
    with torch.inference_mode():
        cosine, sine = (torch.from_numpy(each).repeat(1, 2).unsqueeze(1) for each in (cosine, sine))
        turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
        torch.add(x * cosine, turned * sine, out=y)


def torch_fused(x, cosine, sine, out, tokens, heads, half, width, stride):
    """With the library's product that is added in one step, and no copies."""
    import torch

    x = torch.from_numpy(x)[:, :width].view(tokens, heads, 2, half)
    y = torch.from_numpy(out).view(tokens, heads, 2, half)
    with torch.inference_mode():
        cosine, sine = torch.from_numpy(cosine), torch.from_numpy(sine).unsqueeze(1)
        torch.mul(x, cosine[:, None, None, :], out=y)
        y[:, :, 0].addcmul_(x[:, :, 1], sine, value=-1)
        y[:, :, 1].addcmul_(x[:, :, 0], sine)
