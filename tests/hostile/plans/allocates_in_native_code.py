import numpy as np


def plan(demand, slots):
    return np.ones(1 << 30), np.zeros(len(demand))
