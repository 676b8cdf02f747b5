"""Each shard, as it comes, goes to the machine with the least CPU in use."""

import numpy as np


def plan(cpu, memory, machines):
    used = np.zeros(machines)
    place = np.zeros(len(cpu), dtype=int)
    for shard in range(len(cpu)):
        place[shard] = used.argmin()
        used[place[shard]] += cpu[shard]
    return place
