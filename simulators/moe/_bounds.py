"""What no placement can do better, even one that knows the loads it will serve."""

import numpy as np

from ._cluster import Cluster, Floats


def least_peak(loads: Floats, cluster: Cluster) -> Floats:
    """Return a load that the fullest device of a layer has at least, shape (...,), whatever the placement.

    It is the mean over devices, or the least possible load of the fullest slot, if that is more. A device has at
    least what any of its slots has, and all copies of an expert on one device as much as one on each. The least
    fullest slot is found by giving the spare slots, one by one, to the expert with the highest load a copy: whoever
    wants a lower peak than that must give it one too.

    Args:
        loads: tokens for each expert, shape (..., experts).
        cluster: must have a slot for each expert.
    """
    flat = loads.reshape(-1, loads.shape[-1])
    copies = np.ones_like(flat)
    rows = np.arange(len(flat))
    for _ in range(cluster.slots - flat.shape[1]):
        copies[rows, (flat / np.minimum(copies, cluster.devices)).argmax(axis=1)] += 1.0
    slot = (flat / np.minimum(copies, cluster.devices)).max(axis=1)
    least: Floats = np.maximum(flat.sum(axis=1) / cluster.devices, slot).reshape(loads.shape[:-1])
    return least
