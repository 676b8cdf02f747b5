"""What a model of a GPU says of a kernel: its score where no device can run it. Always told as ``modelled``.

The figure is the modelled time over the least that any kernel can take on that device, the time of the bytes that the
task itself must move. It ranks designs and says what holds them back; it is no measurement, and stands beside none.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from speciate.simulators.gpu import (
    DEVICES,
    LAUNCH_S,
    Device,
    Launch,
    LaunchError,
    Modelled,
    Resources,
    Traffic,
    Work,
    modelled,
    roofline_s,
    traffic,
)

from .._contract import Status
from .._errors import CandidateFault, ProblemError
from ._trace import Watched

MODELLED = "modelled"
"""Label of every evaluation whose time is the model's."""
MODELLED_S, DEVICE_S = "modelled_s", "device_s"
"""Metrics: seconds of a call as the model has it, and as a device took. Where there is a device, both are told."""
DEVICE = "H100"
"""What is modelled where nothing else is asked for."""
TRACE_BYTES = 64 << 20
"""Of the arena's beginning, before a call's buffers: where a worker writes down what programs do."""
COVERED = 0.99
"""Share of the task's bytes that launches must be able to have touched; less is no kernel for these sizes."""


class Compiled(NamedTuple):
    """A launch, and what its kernel takes as it was compiled for the device's architecture."""

    kernel: str
    grid: int
    """How many programs (blocks)."""
    resources: Resources
    single_warp_mma: bool = False
    """Whether it drives tensor cores by ``mma.sync``, not by ``wgmma``."""
    stages: int = 1
    """How many steps of a loop with matrix products are loaded at a time."""


class Estimate(NamedTuple):
    """What the model says of all launches of one call."""

    device: str
    least_s: float
    """In which no kernel can be faster."""
    launches: tuple[tuple[str, Modelled], ...]
    """By the kernel's name, in order."""
    dram_bytes: float
    l2_bytes: float
    coalescing: float | None
    """Share of the bytes moved that were asked for; None where accesses were not watched."""

    @property
    def seconds(self) -> float:
        """Of the call."""
        return sum(each.seconds for _, each in self.launches)

    @property
    def ratio(self) -> float:
        """Its time over the least; 1 where the programs that were watched move less than all do on average."""
        return max(1.0, self.seconds / self.least_s)

    @property
    def longest(self) -> Modelled:
        """The launch that takes longest."""
        return max((each for _, each in self.launches), key=lambda each: each.seconds)

    @property
    def bound(self) -> str:
        """What the longest launch waits for: a unit, or ``launch``."""
        longest = self.longest
        return longest.bound if longest.seconds > 2.0 * LAUNCH_S else "launch"

    @property
    def metrics(self) -> Mapping[str, float]:
        """Its figures by name; factors are the longest launch's."""
        longest = self.longest
        found = {
            MODELLED_S: self.seconds,
            "least_s": self.least_s,
            "dram_bytes": self.dram_bytes,
            "l2_bytes": self.l2_bytes,
            "launches": float(len(self.launches)),
            "occupancy": longest.occupancy.share,
            "wave_efficiency": longest.wave_efficiency,
            "latency_factor": longest.latency_factor,
            "spill_factor": longest.spill_factor,
        }
        return found if self.coalescing is None else {**found, "coalescing": self.coalescing}

    @property
    def words(self) -> str:
        """The figures in words: what a candidate's author is told."""
        told = (
            f"{MODELLED} on {self.device}, not measured: {self.seconds * 1e6:.3g} us, {self.ratio:.3f} times the least"
        )
        told += f" that its bytes take ({self.least_s * 1e6:.3g} us)"
        if self.coalescing is not None:
            told += f"; {self.coalescing:.0%} of the bytes moved were asked for"
        return "; ".join([told, *(_words(name, each) for name, each in self.launches)])


def device_named(name: str) -> Device:
    """Return a device. Raises ProblemError for one that is not known."""
    if name not in DEVICES:
        raise ProblemError(f"option device: expected one of {', '.join(DEVICES)}, got {name!r}")
    return DEVICES[name]


def device_like(name: str) -> Device:
    """Return the device that is most like a GPU of that name: the one whose name is in it, else ``DEVICE``."""
    found = (device for device in DEVICES.values() if device.name.partition("-")[0] in name)
    return next(found, DEVICES[DEVICE])


def watched(device: Device, compiled: Sequence[Compiled], seen: Sequence[Watched], least_bytes: int) -> Estimate:
    """Return the estimate for launches of which some programs were watched.

    Args:
        device: what they are launched on.
        compiled: each launch of a call, in order.
        seen: the same launches, as a worker saw them.
        least_bytes: what the task itself must move.

    Raises CandidateFault: ``cheated`` where the launches cannot have touched what the task must, ``invalid`` where
    the device would refuse one, ``protocol`` where the two do not tell of the same launches.
    """
    if [each.grid for each in compiled] != [each.grid for each in seen]:
        grids = ([each.grid for each in compiled][:9], [each.grid for each in seen][:9])
        raise CandidateFault(
            Status.PROTOCOL, f"expected the launches that were compiled, {grids[0]}, to run; ran {grids[1]}"
        )
    moved = [traffic(device, each.programs, each.grid, each.footprint_bytes) for each in seen]
    # Where programs stride over a grid, some have a turn more: the longest may touch more than any that was watched.
    covered = sum(each.covered_bytes * launch.longest for each, launch in zip(moved, seen, strict=True))
    if covered < COVERED * least_bytes:
        detail = f"its launches touch {covered:.4g} bytes at most, the task's own arrays have {least_bytes:.4g}"
        raise CandidateFault(Status.CHEATED, detail)
    launches = [_launch(*each) for each in zip(compiled, seen, moved, strict=True)]
    asked = sum(each.asked_bytes for each in moved)
    l2_bytes = sum(each.l2_bytes for each in moved)
    return _estimate(device, compiled, launches, least_bytes)._replace(coalescing=asked / l2_bytes)


def _launch(compiled: Compiled, seen: Watched, moved: Traffic) -> Launch:
    """Return the launch as a whole. Loads for matrix products are issued ahead of their use, others are not."""
    work = [program.work for program in seen.programs]
    scale = seen.grid / len(work)
    total = Work(*(scale * sum(each) for each in zip(*work, strict=True)))
    ahead = compiled.stages if total.shared_bytes else 1
    return Launch(
        grid=seen.grid,
        resources=compiled.resources,
        dram_bytes=moved.dram_bytes,
        l2_bytes=moved.l2_bytes,
        work=total,
        loaded_share=moved.loaded_share,
        in_flight_bytes=moved.in_flight_bytes * ahead,
        single_warp_mma=compiled.single_warp_mma,
        longest=seen.longest,
    )


def _estimate(device: Device, compiled: Sequence[Compiled], launches: Sequence[Launch], least_bytes: int) -> Estimate:
    try:
        found = tuple((each.kernel, modelled(device, launch)) for each, launch in zip(compiled, launches, strict=True))
    except LaunchError as error:
        raise CandidateFault(Status.INVALID, str(error)) from None
    dram_bytes, l2_bytes = (
        sum(each) for each in zip(*((each.dram_bytes, each.l2_bytes) for each in launches), strict=True)
    )
    return Estimate(device.name, roofline_s(device, least_bytes), found, dram_bytes, l2_bytes, None)


def _words(name: str, launch: Modelled) -> str:
    held = launch.occupancy
    told = f"{name}: {launch.seconds * 1e6:.3g} us, {launch.bound} alone {max(launch.bounds.values()) * 1e6:.3g} us"
    told += f", waves {launch.wave_efficiency:.0%} full, occupancy {held.share:.0%} (limit: {held.limit})"
    return f"{told}, waiting x{launch.latency_factor:.2f}, spills x{launch.spill_factor:.2f}"
