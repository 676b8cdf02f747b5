"""How long does a launch take? A bound for each unit, and what keeps a kernel from the largest of them.

    t = launch + max(dram, l2, tensor, fp32, special, shared) / wave efficiency * latency factor * spill factor

Each factor ranks designs and says what holds them back; none was fitted to a GPU, so a figure from here is ``modelled``
and stands beside no measured one. An H200 ranks 117 kernels as this does with a Spearman correlation of 0.70
(``docs/gpu``, which tells where it is wrong).
"""

from typing import NamedTuple

from ._devices import Device
from ._occupancy import Occupancy, Resources, occupancy
from ._traffic import NO_WORK, Work

LAUNCH_S = 3e-6
"""Of a launch, before its first program and after its last."""
DRAM_LATENCY_S, L2_LATENCY_S = 0.8e-6, 0.3e-6
"""From a load to its data under load: device memory (0.6 to 1 us), and L2."""


class LaunchError(ValueError):
    """A launch that the device would refuse."""


class Launch(NamedTuple):
    """What is known of one launch; all programs together, where nothing else is said."""

    grid: int
    """How many programs (blocks)."""
    resources: Resources
    """Of one block."""
    dram_bytes: float
    l2_bytes: float
    work: Work = NO_WORK
    loaded_share: float = 1.0
    in_flight_bytes: float | None = None
    """That one block has asked for when it begins to wait; None where that is not known, and nothing is said of it."""
    single_warp_mma: bool = False
    """Whether tensor cores are driven by instructions of single warps (``mma.sync``)."""
    longest: float = 1.0
    """How often the longest program waits for memory, over the mean of all."""


class Modelled(NamedTuple):
    """What the model says of a launch."""

    dram_s: float
    l2_s: float
    tensor_s: float
    fp32_s: float
    special_s: float
    shared_s: float
    wave_efficiency: float
    """Share of the time that the SMs have work: the last of the waves of blocks may leave some without."""
    latency_factor: float
    """1 where enough is in flight to keep memory busy."""
    spill_factor: float
    """1 where every value has a register."""
    occupancy: Occupancy

    @property
    def bounds(self) -> dict[str, float]:
        """Seconds of each unit at its peak, by name."""
        return {
            "dram": self.dram_s,
            "l2": self.l2_s,
            "tensor": self.tensor_s,
            "fp32": self.fp32_s,
            "special": self.special_s,
            "shared": self.shared_s,
        }

    @property
    def bound(self) -> str:
        """Name of the unit that takes longest."""
        return max(self.bounds, key=lambda each: self.bounds[each])

    @property
    def seconds(self) -> float:
        """Of the launch."""
        busy = max(self.bounds.values()) / self.wave_efficiency
        return LAUNCH_S + busy * self.latency_factor * self.spill_factor


def modelled(device: Device, launch: Launch) -> Modelled:
    """Return how long a launch takes, and why.

    - *Waves*: blocks of an SM share its units, so what a tail leaves idle is whole SMs: the busiest SM gets
      ``ceil(grid / SMs)`` blocks, the average one ``grid / SMs``.
    - *Latency* (Little's law): to move so many bytes in the time of the bound, rate times latency must be in flight.
      Blocks on an SM times what each has asked for is in flight; if that is less, the time grows by the ratio. And
      no launch is shorter than what its longest block waits for by itself.
    - *Spills*: values without a register are written to and read from local memory whenever they are used. They are
      taken to be used as often as those that have one.

    Raises LaunchError for a block that no SM can hold, ValueError for figures that cannot be.
    """
    if min(launch.grid, launch.longest) < 1 or min(launch.dram_bytes, launch.l2_bytes, *launch.work) < 0:
        raise ValueError(f"expected a grid of 1 or more, longest likewise, and no negative figure, got {launch}")
    held = occupancy(device, launch.resources)
    if held.blocks == 0:
        raise LaunchError(
            f"{device.name}: expected a block that an SM can hold, short of {held.limit}: {launch.resources}"
        )
    work = launch.work
    tensor_share = device.warp_mma if launch.single_warp_mma else 1.0
    bounds = (
        launch.dram_bytes / device.dram_bytes_per_s,
        launch.l2_bytes / device.l2_bytes_per_s,
        (work.half_flops / device.half_flops + work.tf32_flops / device.tf32_flops) / tensor_share,
        work.fp32_ops / (device.fp32_flops / 2.0),
        work.special_ops / device.special_ops_per_s,
        work.shared_bytes / device.shared_bytes_per_s,
    )
    each = launch.grid / device.sms
    most = -(-launch.grid // device.sms)
    efficiency = each / most
    return Modelled(
        *bounds,
        wave_efficiency=efficiency,
        latency_factor=_latency_factor(device, launch, max(bounds) / efficiency, min(held.blocks, most)),
        spill_factor=1.0 + launch.resources.spill_bytes / (4.0 * launch.resources.registers),
        occupancy=held,
    )


def _latency_factor(device: Device, launch: Launch, busy_s: float, blocks: int) -> float:
    """Return by how much waiting makes the launch longer than ``busy_s``, with so many blocks on each SM in use."""
    if not launch.in_flight_bytes or not busy_s:
        return 1.0
    from_l2 = max(0.0, launch.l2_bytes - launch.dram_bytes)
    waits = (launch.dram_bytes * DRAM_LATENCY_S + from_l2 * L2_LATENCY_S) * launch.loaded_share
    needed = waits / busy_s / launch.in_flight_bytes
    return max(1.0, needed / (min(device.sms, launch.grid) * blocks), needed * launch.longest / launch.grid)


def roofline_s(device: Device, least_bytes: float) -> float:
    """Return the seconds in which any kernel must be: a launch, and ``least_bytes`` from or to device memory."""
    return LAUNCH_S + least_bytes / device.dram_bytes_per_s
