import torch
import torch.nn as nn


class Model(nn.Module):
    """Rows through a linear layer whose width follows from another size, and a softmax over what comes out."""

    def __init__(self, width, outputs):
        super(Model, self).__init__()  # noqa: UP008 - as such files write it
        self.linear = nn.Linear(width, outputs)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x, scale):
        return torch.softmax(self.norm(self.linear(x)) * scale, dim=-1)


rows = 1024 * 64
width = 512
outputs = width // 4
shape = (rows, width)


def get_inputs():
    return [torch.rand(shape, device="cuda").cuda(), 0.5]


def get_init_inputs():
    return [width, outputs]
