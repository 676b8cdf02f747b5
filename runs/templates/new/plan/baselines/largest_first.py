"""Largest first, by CPU and memory together, to the machine that is emptiest of both.

Source: Graham 1969, on the sum of two resources
"""

import numpy as np

MEMORY_WEIGHT = 1.0  # tune: 0.1..10 log


def plan(cpu, memory, machines):
    size = cpu / cpu.mean() + MEMORY_WEIGHT * memory / memory.mean()
    used = np.zeros(machines)
    place = np.zeros(len(cpu), dtype=int)
    for shard in np.argsort(-size):
        place[shard] = used.argmin()
        used[place[shard]] += size[shard]
    return place
