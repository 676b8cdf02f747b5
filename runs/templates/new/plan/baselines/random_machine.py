"""Any machine.

Source: yardstick
Control.
"""

import numpy as np


def plan(cpu, memory, machines):
    return np.random.default_rng(1).integers(0, machines, len(cpu))
