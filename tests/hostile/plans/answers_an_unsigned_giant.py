import numpy as np


def plan(demand, slots):
    return np.zeros(len(demand)), np.full(len(demand), 2**64 - 1, dtype=np.uint64)
