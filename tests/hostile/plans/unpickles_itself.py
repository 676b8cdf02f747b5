"""A subclass that would run code where it is unpickled."""
import numpy as np


class Bomb(np.ndarray):
    def __reduce__(self):
        return (exec, ("import os; os._exit(7)",))


def plan(demand, slots):
    return np.full(len(demand), 0.5).view(Bomb), np.zeros(len(demand)).view(Bomb)
