import numpy as np


def plan(demand, slots):
    return np.zeros(len(demand)), np.full(len(demand), 0.5)
