"""What a kernel's loads and stores move: counted in a few of its programs, and scaled to all of them.

A warp's access is served in sectors of 32 bytes, so that scattered elements cost up to a sector each (NVIDIA's guide to
best practices, "Coalesced access"); device memory is read in lines of 128 bytes. L1 is left out: what a program
asks for twice is asked of L2 twice.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._devices import Device

SECTOR_BYTES, LINE_BYTES = 32, 128
WAVEFRONT_BYTES = 128
"""What one access of a warp moves at most at a time: 4 bytes to each of 32 threads, 16 to each of a quarter of them."""
MOST_ITEM_BYTES = 16


@dataclass(frozen=True)
class Access:
    """One load, store or atomic operation of a program, on all elements at once.

    Raises ValueError for arrays that are not alike, and items that no thread moves at once.
    """

    kind: Literal["load", "store", "atomic"]
    addresses: NDArray[np.int64]
    """In bytes, of each element, in the order in which threads take them; shape (n,)."""
    active: NDArray[np.bool_]
    """False where a mask leaves the element out. Shape (n,)."""
    item_bytes: int
    joined: bool = False
    """Whether it is asked for together with the access before: the program did nothing in between."""

    def __post_init__(self) -> None:
        if self.addresses.ndim != 1 or self.addresses.shape != self.active.shape:
            raise ValueError(
                f"expected addresses and active of one shape (n,), got {self.addresses.shape} and {self.active.shape}"
            )
        if not (1 <= self.item_bytes <= MOST_ITEM_BYTES and self.item_bytes.bit_count() == 1):
            raise ValueError(f"expected items of 1, 2, 4, 8 or 16 bytes, got {self.item_bytes}")

    @property
    def asked_bytes(self) -> int:
        """Of its active elements."""
        return int(np.count_nonzero(self.active)) * self.item_bytes


class Work(NamedTuple):
    """What is reckoned, by the units that do it."""

    half_flops: float = 0.0
    """Of matrix products on tensor cores in fp16 or bf16; a multiplication and an addition are two."""
    tf32_flops: float = 0.0
    """Likewise in tf32."""
    fp32_ops: float = 0.0
    """Of plain cores: instructions, so that a fused multiply-add is one."""
    special_ops: float = 0.0
    """Exponentials, logarithms, roots, reciprocals."""
    shared_bytes: float = 0.0
    """Through shared memory, in and out."""

    def times(self, count: float) -> "Work":
        """Return so many times as much."""
        return Work(*(each * count for each in self))


NO_WORK = Work()


@dataclass(frozen=True)
class Program:
    """What one program of a launch (one block) did, in its own order."""

    accesses: tuple[Access, ...]
    work: Work = NO_WORK


class Traffic(NamedTuple):
    """What all programs of a launch move."""

    asked_bytes: float
    """Of all active elements."""
    covered_bytes: float
    """The most that they can have touched: different elements of the busiest program seen, times the programs."""
    l2_bytes: float
    """Between the SMs and L2."""
    dram_bytes: float
    loaded_share: float
    """Of ``l2_bytes``, what is loaded: a program waits for that, and not for its stores."""
    in_flight_bytes: float
    """That a program has asked for when it begins to wait: by loads that are joined, for a byte of them on average."""

    @property
    def coalescing(self) -> float:
        """Share of the bytes moved that were asked for: 1 is best, 1/8 a float of every sector."""
        return self.asked_bytes / self.l2_bytes if self.l2_bytes else 1.0


def sectors(access: Access) -> int:
    """Return how many sectors the access moves.

    An atomic operation reads and writes one for each active element: threads that hit the same one take turns.
    """
    if access.kind == "atomic":
        return 2 * int(np.count_nonzero(access.active))
    lanes = WAVEFRONT_BYTES // access.item_bytes
    touched = np.where(access.active, access.addresses // SECTOR_BYTES, -1)
    rows = np.sort(np.pad(touched, (0, -len(touched) % lanes), constant_values=-1).reshape(-1, lanes), axis=1)
    first = np.ones((len(rows), 1), dtype=np.bool_)
    fresh = np.concatenate([first, rows[:, 1:] != rows[:, :-1]], axis=1)
    return int(np.count_nonzero(fresh & (rows >= 0)))


def lines_fetched(accesses: Sequence[Access], capacity: int) -> int:
    """Return how many lines come from or go to device memory behind a cache of ``capacity`` lines.

    A line that is used again is there if fewer than ``capacity`` others were used since: the one that was not used for
    longest goes first.
    """
    used = [np.unique(access.addresses[access.active] // LINE_BYTES) for access in accesses]
    distinct = len(np.unique(np.concatenate(used))) if used else 0
    if distinct <= capacity:
        return distinct
    kept: OrderedDict[int, None] = OrderedDict()
    fetched = 0
    for line in np.concatenate(used).tolist():
        if line in kept:
            kept.move_to_end(line)
            continue
        fetched += 1
        kept[line] = None
        if len(kept) > capacity:
            kept.popitem(last=False)
    return fetched


def traffic(device: Device, programs: Sequence[Program], grid: int, footprint_bytes: float) -> Traffic:
    """Return what a launch of ``grid`` programs moves, of which ``programs`` were watched.

    For what a program uses again it has the part of L2 that is left to each SM. Of lines that several programs use, the
    first to come fetches them; a later one finds them if they are still there, and of a launch that touches
    ``footprint_bytes`` in all, L2 holds the share that fits. So device memory moves each line at least once, and at
    most what the programs fetch one by one.

    Args:
        device: whose L2 it is.
        programs: at least one; several, so that their mean stands for all.
        grid: how many programs there are.
        footprint_bytes: of all buffers that the launch touches.

    Raises ValueError without programs, or where there are more than ``grid`` of them.
    """
    if not 1 <= len(programs) <= grid:
        raise ValueError(f"expected 1 to {grid=} programs, got {len(programs)}")
    share = device.l2_bytes // (LINE_BYTES * min(device.sms, grid))
    accesses = [access for program in programs for access in program.accesses]
    scale = grid / len(programs)
    moved = np.array([sectors(access) * SECTOR_BYTES for access in accesses], dtype=np.float64)
    loads = np.array([access.kind != "store" for access in accesses], dtype=np.bool_)
    fetched = scale * LINE_BYTES * sum(lines_fetched(program.accesses, share) for program in programs)
    once = min(fetched, footprint_bytes)
    lost = max(0.0, 1.0 - device.l2_bytes / footprint_bytes) if footprint_bytes > 0 else 0.0
    l2_bytes, loaded = float(moved.sum()), float(moved[loads].sum())
    return Traffic(
        asked_bytes=scale * sum(access.asked_bytes for access in accesses),
        covered_bytes=float(grid * max(_covered(program.accesses) for program in programs)),
        l2_bytes=scale * l2_bytes,
        dram_bytes=once + lost * (fetched - once),
        loaded_share=loaded / l2_bytes if l2_bytes else 0.0,
        in_flight_bytes=float(np.square(_together(accesses, moved * loads)).sum()) / loaded if loaded else 0.0,
    )


def _together(accesses: Sequence[Access], loaded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bytes loaded by accesses that are joined, of each such group."""
    first = np.array([not access.joined for access in accesses], dtype=np.bool_)
    first[:1] = True
    return np.add.reduceat(loaded, np.flatnonzero(first)) if len(loaded) else loaded


def _covered(accesses: Sequence[Access]) -> int:
    """Return the bytes of different elements that a program touches."""
    total = 0
    for size in {access.item_bytes for access in accesses}:
        touched: list[NDArray[Any]] = [each.addresses[each.active] for each in accesses if each.item_bytes == size]
        total += len(np.unique(np.concatenate(touched))) * size
    return total
