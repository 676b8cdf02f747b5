import numpy as np


def plan(demand, slots):
    return demand[:, None] / 9, np.zeros(len(demand))
