import torch
import torch.nn as nn

batch = 4096
classes = 128
logits = (batch, classes)


class Model(nn.Module):
    """Each row's largest value, where that is, and what stands at a place that is given."""

    def forward(self, values, targets):
        torch.cuda.synchronize()
        largest, place = values.max(dim=1)
        return {"largest": largest, "rest": (place, values.gather(1, targets[:, None])[:, 0])}


def get_inputs():
    return [torch.randn(logits), torch.randint(0, classes, (batch,))]


def get_init_inputs():
    return []
