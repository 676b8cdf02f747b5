"""Compiling Triton kernels ahead of time, for devices that need not be here.

What a room replies is the candidate's word, since its module runs there: it is checked like any, is told to its author
and may feed a model, and no verdict rests on it.
"""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, ValidationError

from .. import _triton_builder
from .._contract import Candidate, Cost, Frozen, Status
from .._errors import CandidateFault, ProblemError
from .._room import Rooms
from .._triton_builder import JOB, REPLY, SOURCE
from ..sandbox import Programs
from ._build import Recipe, carried_out
from ._interface import KernelInterface, Sizes

if TYPE_CHECKING:
    from ._problem import KernelProblem

ARCHITECTURES = (80, 90)
"""Compute capabilities that every candidate is compiled for: A100 and H100."""
PACKAGES = ("triton", "torch", "torchgen", "typing_extensions")
"""What a kernel in Triton is shown beside NumPy."""
COMPILE_S = 30.0
"""CPU seconds that compiling may take, beside loading: tiles that are too large are found out by it."""
_LOAD_S = 10.0
_BUILDER = "build.py"
_MOST_REGISTERS = 255
"""Of a thread, on every architecture."""
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


class _Made(Frozen):
    kernel: str = Field(max_length=200)
    hash: str
    grid: tuple[int, ...] = Field(min_length=1, max_length=3)
    warps: int = Field(ge=1, le=32)
    stages: int = Field(ge=1, le=99)
    shared_bytes: int = Field(ge=0)


class _Call(Frozen):
    architecture: int
    launches: tuple[_Made, ...]


class _Reply(Frozen):
    calls: tuple[_Call, ...]
    kernels: dict[str, _Kernel]


Launches = Mapping[tuple[tuple[int, ...], int], tuple[Launch, ...]]
"""The launches of a call, by its sizes in the interface's order and by architecture."""


class TritonBuild(NamedTuple):
    """All that is made of a Triton candidate."""

    launches: Launches
    cached: bool
    cost: Cost


def built_triton(problem: "KernelProblem", candidate: Candidate, rooms: Rooms, sandbox: str) -> TritonBuild:
    """Return what a candidate launches at every size that counts.

    Raises CandidateFault: ``invalid`` with the compiler's words, or of a limit, ``protocol`` for a reply that is none;
    ProblemError where Triton is not installed.
    """
    require_triton()
    calls = [sizes for named in problem.sizes.values() for sizes in named.values()]
    made = carried_out(_recipe(problem.interface, candidate, calls), rooms, sandbox)
    launches = {
        (tuple(sizes[name] for name in problem.interface.sizes), architecture): each
        for architecture, found in read(made.content, len(calls)).items()
        for sizes, each in zip(calls, found, strict=True)
    }
    return TritonBuild(launches, made.cached, made.cost)


def _recipe(interface: KernelInterface, candidate: Candidate, calls: Sequence[Sizes]) -> Recipe:
    job = {**job_of(interface, calls), "versions": [version(name) for name in ("triton", "torch")]}
    return Recipe(
        script=f"exec python3 {_BUILDER}",
        files={
            _BUILDER: inspect.getsource(_triton_builder).encode(),
            SOURCE: candidate.source.encode(errors="surrogatepass"),
            JOB: json.dumps(job).encode(),
        },
        result=REPLY,
        compiler=("python3", "--version"),
        room=Programs(packages=True, extras=PACKAGES),
        cpu_s=COMPILE_S + _LOAD_S,
    )


def job_of(interface: KernelInterface, calls: Sequence[Sizes]) -> dict[str, object]:
    """Return what ``_triton_builder`` is asked to do."""
    return {
        "function": interface.function,
        "architectures": ARCHITECTURES,
        "calls": [dict(sizes) for sizes in calls],
        "buffers": [(buffer.dtype, buffer.shape) for buffer in interface.buffers],
        "names": interface.sizes,
        "scalars": tuple(interface.scalars.values()),
    }


def read(content: bytes, calls: int) -> dict[int, list[tuple[Launch, ...]]]:
    """Return by architecture what so many calls launch. Raises CandidateFault for a reply that is none."""
    try:
        reply = _Reply.model_validate_json(content)
    except ValidationError as error:
        raise _malformed(str(error.errors()[0]["msg"])) from None
    if [each.architecture for each in reply.calls] != [each for each in ARCHITECTURES for _ in range(calls)]:
        raise _malformed("expected each call once on each architecture")
    found: dict[int, list[tuple[Launch, ...]]] = {each: [] for each in ARCHITECTURES}
    for call in reply.calls:
        if not call.launches:
            raise CandidateFault(Status.INVALID, "the function launched no kernel")
        found[call.architecture].append(tuple(_launch(call.architecture, made, reply) for made in call.launches))
    return found


def _launch(architecture: int, made: _Made, reply: _Reply) -> Launch:
    kernel = reply.kernels.get(made.hash)
    if kernel is None:
        raise _malformed("expected the text of each kernel")
    frame, used = _STACK.search(kernel.told), _USED.search(kernel.told)
    if frame is None or used is None:
        raise _malformed("expected what the assembler tells of each kernel")
    stack, stored, loaded = (int(each[:9]) for each in frame.groups())
    registers = int(used[1][:9])
    if not 1 <= registers <= _MOST_REGISTERS:
        raise _malformed(f"expected kernels of 1 to {_MOST_REGISTERS} registers a thread, got one of {registers}")
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


def _malformed(rule: str) -> CandidateFault:
    return CandidateFault(Status.PROTOCOL, f"the list of its launches: {rule}")


def require_triton() -> None:
    """Raise ProblemError, with what to do, where Triton is not installed."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise ProblemError(
            f"language triton: expected {', '.join(PACKAGES)} beside Speciate, found no {', '.join(absent)}; "
            "install them: pip install 'speciate[triton]'"
        )
