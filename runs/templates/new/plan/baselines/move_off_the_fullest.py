"""Dealt out in turn, largest first; then one shard after another moves off the fullest machine, to where it fits best.

Source: steepest descent by single moves, as of rebalancers in cluster managers
"""

import numpy as np

MOVES = 20.0  # tune: 1..200 log


def plan(cpu, memory, machines):
    place = np.zeros(len(cpu), dtype=int)
    place[np.argsort(-(cpu / cpu.mean() + memory / memory.mean()))] = np.arange(len(cpu)) % machines
    for _ in range(int(MOVES)):
        used = np.stack([np.bincount(place, need, machines) / need.sum() for need in (cpu, memory)])
        there = np.flatnonzero(place == used.max(axis=0).argmax())
        needs = np.stack([need[there] / need.sum() for need in (cpu, memory)])
        after = (used[:, None, :] + needs[:, :, None]).max(axis=0)
        if after.min() >= used.max():
            break
        place[there[after.argmin() // machines]] = after.argmin() % machines
    return place
