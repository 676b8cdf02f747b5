"""The input of a simulation: stages of a model on devices, and the micro-batches of one iteration."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pipeline:
    """Stages 0, 1, ... of a model, each on a device, through which the micro-batches go forward and then backward."""

    device: Ints
    """Shape (stages,): where each stage lies. Devices are numbered 0, 1, ... and each has a stage."""
    forward_s: Floats
    """Shape (stages, micro-batches): seconds of the forward pass, > 0."""
    backward_s: Floats
    """The same of the backward pass for the inputs, > 0, which the stage before waits for."""
    weight_s: Floats
    """The same of the backward pass for the weights, >= 0, which nobody waits for. With 0 the backward passes are whole
    ones, as in GPipe and 1F1B, where the stage before waits for both."""
    activation: Floats
    """The same shape: memory, > 0, that is taken when a forward pass starts."""
    kept: float
    """Share of it that is held after the backward pass until the weights' pass has ended; the rest goes. 0 to 1."""
    capacity: Floats
    """Shape (devices,): memory for activations. Each device has room for one micro-batch in each of its stages."""
    transfer_s: float = 0.0
    """From the end of a pass until the next stage can start on another device, >= 0; on the same device it is 0."""
    synchronised: bool = False
    """Whether all devices end an iteration together, for instance to clip gradients; else each starts the next one as
    soon as it is through with this one."""

    def __post_init__(self) -> None:
        device = np.asarray(self.device, dtype=np.int64)
        if device.ndim != 1 or not len(device) or sorted(set(device.tolist())) != list(range(int(device.max()) + 1)):
            raise ValueError(f"device must give each stage one of the devices 0, 1, ..., none left out; got {device}")
        object.__setattr__(self, "device", device)
        shape = np.shape(self.forward_s)
        if len(shape) != 2 or shape[0] != len(device) or not shape[1]:
            raise ValueError(f"forward_s must have shape ({len(device)}, micro-batches >= 1), got {shape}")
        for name in ("forward_s", "backward_s", "weight_s", "activation"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            if given.shape != shape:
                raise ValueError(f"{name} must have the shape of forward_s {shape}, got {given.shape}")
            fine = given >= 0 if name == "weight_s" else given > 0
            wrong = np.argwhere(~(np.isfinite(given) & fine))
            if len(wrong):
                stage, micro = wrong[0]
                raise ValueError(
                    f"{name} must be finite and {'>= 0' if name == 'weight_s' else '> 0'}, but stage {stage}, "
                    f"micro-batch {micro} has {given[stage, micro]}"
                )
            object.__setattr__(self, name, given)
        if not 0.0 <= self.kept <= 1.0:
            raise ValueError(f"kept must be from 0 to 1, got {self.kept}")
        if not (isfinite(self.transfer_s) and self.transfer_s >= 0):
            raise ValueError(f"transfer_s must be >= 0, got {self.transfer_s}")
        self._require_room()

    @property
    def devices(self) -> int:
        """How many there are."""
        return int(self.device.max()) + 1

    @property
    def micro_batches(self) -> int:
        """How many there are."""
        return int(self.forward_s.shape[1])

    @property
    def largest(self) -> Floats:
        """The most memory that a micro-batch takes in a stage, shape (stages,)."""
        largest: Floats = self.activation.max(axis=1)
        return largest

    def work_s(self) -> Floats:
        """Return the seconds of passes that each device has to do, shape (devices,)."""
        by_stage = (self.forward_s + self.backward_s + self.weight_s).sum(axis=1)
        work: Floats = np.zeros(self.devices)
        np.add.at(work, self.device, by_stage)
        return work

    def _require_room(self) -> None:
        capacity = np.asarray(self.capacity, dtype=np.float64)
        if capacity.shape != (self.devices,):
            raise ValueError(f"capacity must have shape ({self.devices},), got {capacity.shape}")
        needed = np.bincount(self.device, weights=self.largest, minlength=self.devices)
        tight = np.flatnonzero(~(np.isfinite(capacity) & (capacity >= needed)))
        if len(tight):
            raise ValueError(
                f"device {tight[0]} needs room for a micro-batch in each of its stages, {needed[tight[0]]:g} in all, "
                f"and has {capacity[tight[0]]:g}"
            )
        object.__setattr__(self, "capacity", capacity)
