"""Strides of zero and less, and the inputs themselves."""
import numpy as np


def plan(demand, slots):
    demand /= demand.max()
    return demand[::-1], np.broadcast_to(np.int8(1), demand.shape)
