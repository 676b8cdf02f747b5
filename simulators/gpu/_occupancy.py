"""How many blocks of a kernel are on an SM at a time?"""

from typing import Literal, NamedTuple

from ._devices import WARP, Device

REGISTER_UNIT = 256
"""Registers that a warp is given at a time."""
WARP_UNIT = 4
"""Registers are shared out to so many warps alike: an SM has four schedulers, each with a quarter of them."""
MOST_REGISTERS = 255
"""Of a thread."""
SYSTEM_SHARED_BYTES = 1024
"""Shared memory of each block that the system keeps to itself (compute capability 8.0 and later)."""
SHARED_UNIT = 128
"""Bytes of shared memory that are given at a time."""


class Resources(NamedTuple):
    """What a block of a compiled kernel takes."""

    warps: int
    registers: int
    """Of a thread."""
    shared_bytes: int = 0
    """Of a block, declared and asked for at the launch."""
    spill_bytes: int = 0
    """Local memory of a thread: values for which it had no register."""


class Occupancy(NamedTuple):
    """What fits on an SM."""

    blocks: int
    """0 where not one fits: the launch would fail."""
    warps: int
    share: float
    """Warps, of the most that an SM holds."""
    limit: Literal["registers", "shared", "warps", "blocks"]
    """What there is too little of for one block more."""


def occupancy(device: Device, resources: Resources) -> Occupancy:
    """Return how many blocks with these resources an SM holds, and why not more.

    The rules are those of the CUDA occupancy calculator for compute capability 8.0 to 9.0.

    Raises ValueError for resources that no kernel can have.
    """
    warps, registers = resources.warps, resources.registers
    if not (1 <= warps <= 32 and 1 <= registers <= MOST_REGISTERS and resources.shared_bytes >= 0):
        raise ValueError(
            f"expected 1 to 32 warps, 1 to {MOST_REGISTERS} registers and shared memory of 0 or more, got {resources}"
        )
    a_warp = _rounded(registers * WARP, REGISTER_UNIT)
    fitting = device.registers // a_warp // WARP_UNIT * WARP_UNIT
    shared = _rounded(resources.shared_bytes + SYSTEM_SHARED_BYTES, SHARED_UNIT)
    limits: dict[Literal["registers", "shared", "warps", "blocks"], int] = {
        "registers": fitting // warps,
        "shared": device.shared_bytes // shared if resources.shared_bytes <= device.block_shared_bytes else 0,
        "warps": device.warps // warps,
        "blocks": device.blocks,
    }
    limit = min(limits, key=lambda each: limits[each])
    blocks = limits[limit]
    return Occupancy(blocks, blocks * warps, blocks * warps / device.warps, limit)


def _rounded(amount: int, unit: int) -> int:
    return -(-amount // unit) * unit
