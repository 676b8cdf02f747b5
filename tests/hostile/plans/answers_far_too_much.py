import numpy as np


def plan(demand, slots):
    return np.broadcast_to(0.5, (1 << 40,)), np.zeros(len(demand))
