"""Devices in nodes, each with the same number of slots for experts' weights."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cluster:
    """Devices that serve every layer's experts together. Slot ``s`` is on device ``s // slots_per_device``.

    Raises:
        ValueError: a number below 1, or devices that do not fill the nodes evenly.
    """

    devices: int
    nodes: int
    """Device ``d`` is in node ``d // (devices // nodes)``."""
    slots_per_device: int
    """Experts that a device holds of each layer."""

    def __post_init__(self) -> None:
        for name in ("devices", "nodes", "slots_per_device"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} >= 1, got {getattr(self, name)}")
        if self.devices % self.nodes:
            raise ValueError(f"expected nodes of equally many devices, got {self.devices} devices in {self.nodes}")

    @property
    def slots(self) -> int:
        """Slots of one layer on all devices."""
        return self.devices * self.slots_per_device


def contiguous(experts: int, cluster: Cluster) -> Ints:
    """Return the expert of each slot, shape (slots,), in order and without replicas.

    A device with more slots than experts of its own holds its last one several times, which changes nothing: what
    an expert's copies receive ends up on the same device. Raises ValueError where the experts do not fit.
    """
    if experts < 1 or experts > cluster.slots:
        raise ValueError(f"expected 1 to {cluster.slots} experts, as many as there are slots, got {experts}")
    own = -(-experts // cluster.devices)
    device, position = np.divmod(np.arange(cluster.slots), cluster.slots_per_device)
    held: Ints = np.minimum(device * own + np.minimum(position, own - 1), experts - 1)
    return held
