"""Known forms of the same function. Trusted; each is called as a kernel in Python is."""

import numpy as np


def numpy_form(x, target, loss, rows, columns, stride):
    """Maximum, exponentials, sum and logarithm, each over the whole array."""
    x = x[:, :columns]
    most = x.max(axis=1, keepdims=True)
    powers = np.subtract(x, most)
    np.exp(powers, out=powers)
    chosen = np.take_along_axis(x, target[:, None], axis=1) - most
    np.subtract(np.log(powers.sum(axis=1)), chosen[:, 0], out=loss)


def torch_eager(x, target, loss, rows, columns, stride):
    """The formula with torch's own operations."""
    import torch

    x, target, loss = map(torch.from_numpy, (x[:, :columns], target, loss))
    with torch.inference_mode():
        chosen = x.gather(1, target.unsqueeze(1)).squeeze(1)
        torch.sub(torch.logsumexp(x, 1), chosen, out=loss)


def torch_cross_entropy(x, target, loss, rows, columns, stride):
    """The library's one operation."""
    import torch

    x, target, loss = map(torch.from_numpy, (x[:, :columns], target, loss))
    with torch.inference_mode():
        loss.copy_(torch.nn.functional.cross_entropy(x, target, reduction="none"))


def torch_compiled(x, target, loss, rows, columns, stride):
    """The formula, fused by torch.compile."""
    import torch

    if not _made:
        _made.append(torch.compile(_fused))
    with torch.inference_mode():
        _made[0](torch.from_numpy(x[:, :columns]), torch.from_numpy(target), torch.from_numpy(loss))


_made = []


def _fused(x, target, loss):
    most = x.amax(1, keepdim=True)
    chosen = (x.gather(1, target.unsqueeze(1)) - most).squeeze(1)
    loss.copy_((x - most).exp().sum(1).log() - chosen)
