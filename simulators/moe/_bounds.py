"""What no placement can do better, even one that knows the loads it will serve."""

import numpy as np

from ..cache import belady_misses
from ._cluster import Cluster, Floats
from ._gates import Gates, Offload


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


def least_fetches(gates: Gates, slots: int) -> int:
    """Return the experts that come over the link at least, from an empty device: those of Belady's rule.

    To fetch beforehand spares no fetch: whoever does could as well fetch each expert when it is wanted, over the one
    that it replaced. That a layer wants several at once only adds to what one after the other would take.
    """
    _, layer, expert = np.nonzero(gates.wanted)
    return belady_misses(layer * gates.wanted.shape[2] + expert, slots)


def least_service_time(gates: Gates, offload: Offload) -> float:
    """Return the seconds that no policy passes: all computing, or all fetches that there must be, one by one."""
    return max(offload.compute_s(gates), least_fetches(gates, offload.slots) * offload.fetch_s)
