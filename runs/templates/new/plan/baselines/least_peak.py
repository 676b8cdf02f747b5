"""Largest first, to the machine whose fuller resource stays lowest.

Source: vector bin packing, best fit by the maximum norm
"""

import numpy as np

NORM = 4.0  # tune: 1..100 log


def plan(cpu, memory, machines):
    cpu, memory = cpu / cpu.mean(), memory / memory.mean()
    used_cpu, used_memory = np.zeros(machines), np.zeros(machines)
    place = np.zeros(len(cpu), dtype=int)
    for shard in np.argsort(-np.maximum(cpu, memory)):
        fullness = (used_cpu + cpu[shard]) ** NORM + (used_memory + memory[shard]) ** NORM
        place[shard] = fullness.argmin()
        used_cpu[place[shard]] += cpu[shard]
        used_memory[place[shard]] += memory[shard]
    return place
