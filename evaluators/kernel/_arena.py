"""Memory that the judge and a kernel's process both reach: where buffers lie, and what lies between them.

Around each buffer lie guard words that nobody may change. What is timed lies in huge pages: with small ones the walks
through page tables take most of a call that streams through its buffers, twice as much in one process as in another
for as long as both live, so that a kernel against itself came out at 0.6. No shared memory is of huge pages unless an
administrator wants it, but a process's own is for the asking; the judge writes and reads there by the kernel's calls
for that.
"""

import fcntl
import mmap
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._extent import extent
from ._interface import ITEM_BYTES, KernelInterface, Sizes
from ._remote import GoneError, Remote

Arrays = dict[str, NDArray[Any]]
GUARD_BYTES = 4096
POISONS = (0x7FC0DEAD, 0x7FDADBAD)
"""Quiet NaNs of float32, told apart by their payload; as integers no likely answers either."""
ADDRESS_BYTES = 8
"""Of the arena, in which a process says where memory of its own lies that takes its place."""
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
    """A fixed number of bytes that another process works on. Close it.

    They are shared memory until ``reach`` says otherwise. Its descriptor is sealed: a process that holds it can write
    there, and cannot make it shorter, which would kill whoever touches the missing pages.
    """

    def __init__(self, size: int):
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self._there: Remote | None = None
        self._gone: Callable[[GoneError], Exception] = _as_it_is
        self.descriptor = os.memfd_create("speciate-kernel", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, self.size)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
            self._memory = mmap.mmap(self.descriptor, self.size)
        except BaseException:
            os.close(self.descriptor)
            raise
        self._bytes: NDArray[np.uint8] = np.frombuffer(self._memory, dtype=np.uint8)
        # Kept, since a new one for each answer costs more than the copying: its pages have to be found first.
        self._copy: NDArray[np.uint8] = np.empty(self.size, dtype=np.uint8)

    @property
    def reached(self) -> bool:
        """Whether buffers lie in the other process's own memory."""
        return self._there is not None

    def reach(self, pid: int, gone: Callable[[GoneError], Exception]) -> None:
        """Have all buffers in memory of that process's own from here on; it has written where to the first bytes.

        Where that memory is no more, ``put`` and ``get`` raise what ``gone`` returns.
        """
        self._there = Remote(pid, int.from_bytes(self._bytes[:ADDRESS_BYTES].tobytes(), "little"))
        self._gone = gone

    def put(self, at: int, data: NDArray[Any]) -> None:
        """Write an array's bytes there."""
        if self._there is None:
            self._bytes[at : at + data.nbytes] = data.reshape(-1).view(np.uint8)
            return
        try:
            self._there.write(at, data)
        except GoneError as error:
            raise self._gone(error) from error

    def get(self, span: Span) -> NDArray[np.uint8]:
        """Return what lies there now: a copy that nobody else can change, until the same bytes are asked for again."""
        copy = self._copy[span.start : span.end]
        if self._there is None:
            copy[:] = self._bytes[span.start : span.end]
            return copy
        try:
            self._there.read(span.start, copy)
        except GoneError as error:
            raise self._gone(error) from error
        return copy

    def close(self) -> None:
        """Unmap the memory. Safe to repeat."""
        if self.descriptor < 0:
            return
        os.close(self.descriptor)
        self.descriptor = -1
        self._bytes = self._copy = np.empty(0, dtype=np.uint8)
        self._memory.close()


def _as_it_is(error: GoneError) -> Exception:
    return error


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
            self._arena.put(guard.start, self._guard[: guard.end - guard.start])
        for _, span in self._outputs:
            self._arena.put(span.start, _poisoned(span.end - span.start, poison))
        for _, span, values in self._inputs:
            self._arena.put(span.start, values)

    def trespass(self) -> str | None:
        """Return what was changed that is not the kernel's to change, in words; None where nothing was."""
        for guard in self._slot.guards:
            if not np.array_equal(self._arena.get(guard), self._guard[: guard.end - guard.start]):
                return f"wrote outside of its buffers, {self._near(guard)}"
        for buffer, span, values in self._inputs:
            if not np.array_equal(self._arena.get(span), values.reshape(-1).view(np.uint8)):
                return f"changed its input {buffer.name}"
        return None

    def _near(self, guard: Span) -> str:
        names = [buffer.name for buffer in self._slot.interface.buffers]
        place = self._slot.guards.index(guard)
        return f"before {names[0]}" if place == 0 else f"behind {names[place - 1]}"

    def outputs(self) -> Arrays:
        """Return the outputs as they are now: copies, until they are asked for again."""
        return {
            buffer.name: self._arena.get(span).view(buffer.dtype).reshape(buffer.dimensions(self._slot.sizes))
            for buffer, span in self._outputs
        }


@lru_cache(8)
def _poisoned(size: int, poison: int) -> NDArray[np.uint8]:
    """Return so many bytes of poison, to be read only."""
    return np.full(-(-size // 4), poison, dtype=np.uint32).view(np.uint8)[:size]


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
