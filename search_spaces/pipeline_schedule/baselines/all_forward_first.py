"""All forward passes, as memory allows, then backward and weights' passes together.

Source: GPipe (Huang et al. 2019), under a memory cap
"""


def rank(step, device, pipeline):
    if step.forward:
        return -3.0
    return -2.0 if step.weight else -1.0
