"""What a Triton candidate launches, as it was compiled for devices that need not be here; read as anybody's word."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import Field, ValidationError

from .._contract import Frozen, Status
from .._errors import CandidateFault

ARCHITECTURES = (80, 90)
"""Compute capabilities that every candidate is compiled for: A100 and H100."""
_MOST_REGISTERS = 255
"""Of a thread, on every architecture."""
_MOST_SHARED = 1 << 20
"""More than any device has, in bytes."""
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_GLOBAL = re.compile(r"\b(?:ld|st)\.global[\w:.]*?(?:\.v(\d))?\.[bufs](\d+)")


class Launch(NamedTuple):
    """One launch of a call, as it was compiled for one architecture."""

    kernel: str
    architecture: int
    """Compute capability: 80 or 90."""
    grid: tuple[int, ...]
    warps: int
    stages: int
    registers: int
    """Of a thread, 1 to 255."""
    spill_bytes: int
    """That a thread stores and loads because registers ran out."""
    stack_bytes: int
    shared_bytes: int
    """Of a block."""
    access_bytes: int
    """Widest access to global memory that a thread makes."""
    tensor_cores: str
    """``wgmma``, ``mma`` or nothing: what drives them."""

    @property
    def words(self) -> str:
        """The figures in words: what a candidate's author is told."""
        told = f"{self.kernel} on sm_{self.architecture}: {self.registers} registers, {self.spill_bytes} bytes spilled"
        told += f", {self.shared_bytes} bytes shared, {self.warps} warps, accesses of up to {self.access_bytes} bytes"
        return f"{told}, tensor cores by {self.tensor_cores}" if self.tensor_cores else told


class _Kernel(Frozen):
    ptx: str
    told: str


class Told(Frozen):
    """A launch, as it was told."""

    kernel: str = Field(max_length=200)
    hash: str
    grid: tuple[int, ...] = Field(min_length=1, max_length=3)
    warps: int = Field(ge=1, le=32)
    stages: int = Field(ge=1, le=99)
    shared_bytes: int = Field(ge=0, le=_MOST_SHARED)


class Call(Frozen):
    """The launches of a call, as they were told."""

    architecture: int
    launches: tuple[Told, ...]


class _Reply(Frozen):
    calls: tuple[Call, ...]
    kernels: dict[str, _Kernel]


Launches = Mapping[tuple[tuple[int, ...], int], tuple[Launch, ...]]
"""The launches of a call, by its sizes in the interface's order and by architecture."""


def read(content: bytes, calls: int) -> dict[int, list[tuple[Launch, ...]]]:
    """Return by architecture what so many calls launch. Raises CandidateFault for a reply that is none."""
    try:
        reply = _Reply.model_validate_json(content)
    except ValidationError as error:
        raise malformed(str(error.errors()[0]["msg"])) from None
    if [each.architecture for each in reply.calls] != [each for each in ARCHITECTURES for _ in range(calls)]:
        raise malformed("expected each call once on each architecture")
    found: dict[int, list[tuple[Launch, ...]]] = {each: [] for each in ARCHITECTURES}
    for call in reply.calls:
        if not call.launches:
            raise CandidateFault(Status.INVALID, "the function launched no kernel")
        found[call.architecture].append(tuple(_launch(call.architecture, made, reply) for made in call.launches))
    return found


def _launch(architecture: int, made: Told, reply: _Reply) -> Launch:
    kernel = reply.kernels.get(made.hash)
    if kernel is None:
        raise malformed("expected the text of each kernel")
    frame, used = _STACK.search(kernel.told), _USED.search(kernel.told)
    if frame is None or used is None:
        raise malformed("expected what the assembler tells of each kernel")
    stack, stored, loaded = (int(each[:9]) for each in frame.groups())
    registers = int(used[1][:9])
    if not 1 <= registers <= _MOST_REGISTERS:
        raise malformed(f"expected kernels of 1 to {_MOST_REGISTERS} registers a thread, got one of {registers}")
    widths = [int(count[:9] or 1) * int(bits[:9]) // 8 for count, bits in _GLOBAL.findall(kernel.ptx)]
    cores = "wgmma" if "wgmma.mma_async" in kernel.ptx else "mma" if "mma.sync" in kernel.ptx else ""
    return Launch(
        kernel=made.kernel,
        architecture=architecture,
        grid=made.grid,
        warps=made.warps,
        stages=made.stages,
        registers=registers,
        spill_bytes=stored + loaded,
        stack_bytes=stack,
        shared_bytes=made.shared_bytes,
        access_bytes=max(widths, default=0),
        tensor_cores=cores,
    )


def malformed(rule: str) -> CandidateFault:
    """Return the fault of a reply that is none."""
    return CandidateFault(Status.PROTOCOL, f"the list of its launches: {rule}")
