"""Memory that the judge shares with a kernel's process: where buffers lie, and what lies between them.

The descriptor is sealed: a process that holds it can write there, and cannot make it shorter, which would kill
whoever touches the missing pages. Around each buffer lie guard words that nobody may change.
"""

import fcntl
import mmap
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._extent import extent
from ._interface import ITEM_BYTES, Buffer, KernelInterface, Sizes

Arrays = dict[str, NDArray[Any]]
GUARD_BYTES = 4096
POISONS = (0x7FC0DEAD, 0x7FDADBAD)
"""Quiet NaNs of float32, told apart by their payload; as integers no likely answers either."""
_ALIGN = 64
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Span(NamedTuple):
    """A part of the arena, in bytes."""

    start: int
    end: int


class Slot(NamedTuple):
    """The buffers of one call, and the guards before, between and behind them."""

    interface: KernelInterface
    sizes: Sizes
    buffers: tuple[Span, ...]
    """In the interface's order."""
    guards: tuple[Span, ...]

    @property
    def end(self) -> int:
        """First byte of the arena that is free again."""
        return self.guards[-1].end

    @property
    def call(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What the kernel's process is told: where each buffer begins, and the sizes in the interface's order."""
        return tuple(span.start for span in self.buffers), tuple(self.sizes[name] for name in self.interface.sizes)


def laid(interface: KernelInterface, sizes: Sizes, start: int = 0, shift: int = 0) -> Slot:
    """Return where the buffers of one call lie from ``start`` on, each ``shift`` elements off its alignment."""
    buffers, guards, at = [], [], start
    for buffer in interface.buffers:
        begin = -(-(at + GUARD_BYTES) // _ALIGN) * _ALIGN + shift * ITEM_BYTES[buffer.dtype]
        guards.append(Span(at, begin))
        at = begin + buffer.byte_count(sizes)
        buffers.append(Span(begin, at))
    return Slot(interface, dict(sizes), tuple(buffers), (*guards, Span(at, at + GUARD_BYTES)))


class Arena:
    """Shared memory of a fixed size, mapped here. Close it."""

    def __init__(self, size: int):
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.descriptor = os.memfd_create("speciate-kernel", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, self.size)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
            self._memory = mmap.mmap(self.descriptor, self.size)
        except BaseException:
            os.close(self.descriptor)
            raise
        self.bytes: NDArray[np.uint8] = np.frombuffer(self._memory, dtype=np.uint8)

    def view(self, buffer: Buffer, span: Span, sizes: Sizes) -> NDArray[Any]:
        """Return the buffer's memory as an array; what the other process writes shows in it."""
        return self.bytes[span.start : span.end].view(buffer.dtype).reshape(buffer.dimensions(sizes))

    def close(self) -> None:
        """Unmap the memory. Views must be gone. Safe to repeat."""
        if self.descriptor < 0:
            return
        os.close(self.descriptor)
        self.descriptor = -1
        self.bytes = np.empty(0, dtype=np.uint8)
        try:
            self._memory.close()
        except BufferError:
            return  # A view is left in somebody's frame: the mapping goes with it.


class Contents:
    """What one call finds in its slot, and what must be there afterwards.

    Args:
        arena: where the slot lies.
        slot: where its buffers are.
        inputs: their values; copies, which nobody else changes.
        guard: words for the guards, of at least ``GUARD_BYTES`` and the alignment's bytes; secret.
    """

    def __init__(self, arena: Arena, slot: Slot, inputs: Mapping[str, NDArray[Any]], guard: NDArray[np.uint8]):
        self._arena = arena
        self._slot = slot
        self._guard = guard
        self._inputs = [
            (buffer, span, np.ascontiguousarray(inputs[buffer.name], dtype=buffer.dtype))
            for buffer, span in zip(slot.interface.inputs, slot.buffers, strict=False)
        ]
        self._outputs = tuple(zip(slot.interface.outputs, slot.buffers[len(self._inputs) :], strict=True))
        for buffer, _, values in self._inputs:
            wanted = buffer.dimensions(slot.sizes)
            if values.shape != wanted:
                raise ValueError(f"input {buffer.name}: expected shape {wanted}, got {values.shape}")

    def write(self, poison: int) -> None:
        """Lay guards, poison the outputs, and write the inputs last: that is the state every call starts from."""
        for guard in self._slot.guards:
            self._arena.bytes[guard.start : guard.end] = self._guard[: guard.end - guard.start]
        pattern = np.frombuffer(poison.to_bytes(4, "little"), dtype=np.uint8)
        for _, span in self._outputs:
            part = self._arena.bytes[span.start : span.end]
            whole = part.size // 4 * 4
            if span.start % 4 == 0:
                part[:whole].view(np.uint32)[:] = poison
            else:
                part[:whole].reshape(-1, 4)[:] = pattern
            part[whole:] = pattern[: part.size - whole]
        for buffer, span, values in self._inputs:
            self._arena.view(buffer, span, self._slot.sizes)[...] = values

    def trespass(self) -> str | None:
        """Return what was changed that is not the kernel's to change, in words; None where nothing was."""
        for guard in self._slot.guards:
            if not np.array_equal(self._arena.bytes[guard.start : guard.end], self._guard[: guard.end - guard.start]):
                return f"wrote outside of its buffers, {self._near(guard)}"
        for buffer, span, values in self._inputs:
            if not np.array_equal(self._arena.bytes[span.start : span.end], values.reshape(-1).view(np.uint8)):
                return f"changed its input {buffer.name}"
        return None

    def _near(self, guard: Span) -> str:
        names = [buffer.name for buffer in self._slot.interface.buffers]
        place = self._slot.guards.index(guard)
        return f"before {names[0]}" if place == 0 else f"behind {names[place - 1]}"

    def outputs(self) -> Arrays:
        """Return copies of the outputs, as they are now."""
        return {buffer.name: self._arena.view(buffer, span, self._slot.sizes).copy() for buffer, span in self._outputs}


def guard_words(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return words for guards, enough for the widest of them."""
    return rng.integers(0, 256, GUARD_BYTES + 16 * _ALIGN, dtype=np.uint8)


def unwritten(outputs: Sequence[tuple[str, NDArray[Any]]]) -> str | None:
    """Return the first output that is not finite everywhere, in words; None where all are."""
    for name, values in outputs:
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            told = extent(name, ~np.isfinite(values))
            return f"{name}{list(place)} is {values[place]}, or was never written ({told})"
    return None
