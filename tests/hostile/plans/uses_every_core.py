"""Asks for the threads of a linear algebra library; they are refused, and the answer stays right."""
import numpy as np


def plan(demand, slots):
    square = np.ones((400, 400))
    assert (square @ square == 400.0).all()
    return np.full(len(demand), 0.5), np.zeros(len(demand))
