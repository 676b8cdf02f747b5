"""One placement of every layer's experts: whether it is one, the loads it gives, and what a change of it moves.

Everything is recomputed from one canonical array, the expert of each slot; there is no second map to disagree.
"""

import numpy as np

from ._cluster import Cluster, Floats, Ints


class PlacementError(ValueError):
    """A placement that cannot serve: a wrong shape, an unknown expert, or one that no slot holds."""


def require_placement(placement: Ints, layers: int, experts: int, cluster: Cluster) -> None:
    """Raise PlacementError, naming layer and expert, where ``placement`` leaves one out or is no placement."""
    if placement.shape != (layers, cluster.slots):
        raise PlacementError(f"expected shape {(layers, cluster.slots)}, got {placement.shape}")
    if placement.min() < 0 or placement.max() >= experts:
        wrong = placement[(placement < 0) | (placement >= experts)][0]
        raise PlacementError(f"expected experts from 0 to {experts - 1}, got {wrong}")
    missing = np.argwhere(copies(placement, experts) == 0)
    if missing.size:
        layer, expert = missing[0]
        raise PlacementError(f"no slot of layer {layer} holds expert {expert}; {len(missing)} are missing in all")


def copies(placement: Ints, experts: int) -> Ints:
    """Return how many slots hold each expert, shape (layers, experts), of a placement of shape (layers, slots)."""
    layers = len(placement)
    flat = placement + experts * np.arange(layers)[:, None]
    return np.bincount(flat.ravel(), minlength=layers * experts).reshape(layers, experts)


def device_loads(loads: Floats, placement: Ints, cluster: Cluster) -> Floats:
    """Return the tokens that each device serves, shape (layers, devices).

    Args:
        loads: tokens for each expert, shape (layers, experts). Each slot of an expert serves an equal part.
        placement: the expert of each slot, shape (layers, slots).
    """
    part = np.take_along_axis(loads / copies(placement, loads.shape[1]), placement, axis=1)
    found: Floats = part.reshape(len(loads), cluster.devices, cluster.slots_per_device).sum(axis=2)
    return found


def moved(before: Ints, after: Ints, experts: int, cluster: Cluster) -> tuple[int, int]:
    """Return how many experts devices fetched from another node, and from another device of their own node.

    A device fetches an expert of a layer where it holds it after and did not before; another slot for an expert that
    it holds anyway costs nothing. Both placements have shape (layers, slots).
    """
    had, has = (_held(placement, experts, cluster) for placement in (before, after))
    fetched = has & ~had
    shape = (len(before), cluster.nodes, cluster.devices // cluster.nodes, experts)
    near = fetched.reshape(shape) & had.reshape(shape).any(axis=2, keepdims=True)
    return int(fetched.sum() - near.sum()), int(near.sum())


def _held(placement: Ints, experts: int, cluster: Cluster) -> np.ndarray:
    """Return which device holds which expert, shape (layers, devices, experts)."""
    held = np.zeros((len(placement), cluster.devices, experts), dtype=bool)
    device = np.arange(cluster.slots) // cluster.slots_per_device
    held[np.arange(len(placement))[:, None], device[None, :], placement] = True
    return held
