"""Compiling Triton kernels ahead of time: to the assembler's language in a sealed worker, and assembled in a room.

What both reply is the candidate's word, since its module runs in the first: it is checked like any, is told to its
author and may feed a model, and no verdict rests on it.
"""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field, ValidationError

from .. import _triton_builder
from .._contract import Candidate, Cost, Frozen, Status
from .._errors import CandidateFault, ProblemError
from .._link import Link
from .._room import File, Order, Rooms
from .._triton_builder import SIZE
from ..sandbox import Programs, Worker
from ..sandbox._interpreter import PACKAGES as FOLDER
from ._arena import Arena, Span
from ._build import Made, kept, key_of, version_of
from ._interface import KernelInterface, Sizes
from ._triton import ARCHITECTURES, Call, Launches, malformed, read

if TYPE_CHECKING:
    from ..kinds import Place
    from ._problem import KernelProblem

PACKAGES = ("triton", "torch", "torchgen", "typing_extensions")
"""What a kernel in Triton is shown beside NumPy."""
_IN_TREE = ("TRITON_BACKENDS_IN_TREE", "1")
BUILDER = Worker(
    packages=True,
    extras=PACKAGES,
    loaded=("torch", "triton", "triton.compiler", "triton.backends.nvidia.compiler", "linecache", "json"),
    environment=(_IN_TREE,),
)
"""Where kernels are compiled."""
INTERPRETER = Worker(
    packages=True,
    extras=PACKAGES,
    loaded=("torch", "triton", "triton.runtime.interpreter", "torch.overrides"),
    environment=(_IN_TREE, ("TRITON_INTERPRET", "1")),
)
"""Where they are interpreted."""
COMPILE_S = 30.0
"""CPU seconds that compiling may take, beside loading: tiles that are too large are found out by it."""
_LOAD_S = 10.0
_REPLY_BYTES = 64 << 20
_MOST_KERNELS = 500
_ROOM = Programs(packages=True, extras=("triton",))
_TOOLS = f"{FOLDER}/triton/backends/nvidia/bin"
_BLACKWELL = 100
"""Compute capability from which on another assembler is asked."""
_SPECIAL = 90
"""And from which on a kernel may use what is that architecture's alone."""
_FLAGS = "-lineinfo -v --regAllocOptLevel=2"
"""As Triton itself calls it."""
_RELEASE = re.compile(r"release (\d+\.\d+)")


class Text(Frozen):
    """A kernel in the assembler's language."""

    ptx: str
    architecture: int
    fused: bool
    """Whether a product and a sum may become one operation."""


Texts = Annotated[dict[str, Text], Field(max_length=_MOST_KERNELS)]
"""Kernels by a name that they are told by."""


class _Compiled(Frozen):
    calls: tuple[Call, ...]
    kernels: Texts


class Assembled(NamedTuple):
    """A kernel as a device takes it."""

    told: str
    """What its assembler says of it."""
    content: bytes


class TritonBuild(NamedTuple):
    """All that is made of a Triton candidate."""

    launches: Launches
    cached: bool
    cost: Cost


def built_triton(problem: "KernelProblem", candidate: Candidate, rooms: Rooms, place: "Place") -> TritonBuild:
    """Return what a candidate launches at every size that counts.

    Raises CandidateFault: ``invalid`` with the compiler's words, or of a limit, ``protocol`` for a reply that is none;
    ProblemError where Triton is not installed.
    """
    require_triton()
    interface, sandbox = problem.interface, place.sandbox.name
    calls = [sizes for named in problem.sizes.values() for sizes in named.values()]
    told = assembler_told(max(ARCHITECTURES), rooms, sandbox)
    job = {**job_of(interface, calls), "assembler": release(told)}
    files = {
        "builder": builder_text().encode(),
        "candidate": candidate.source.encode(errors="surrogatepass"),
        "job": json.dumps(job).encode(),
    }
    key = key_of((_FLAGS, told, version("triton"), version("torch"), sandbox), files)
    made = kept(key, lambda: _made(candidate, job, rooms, place))
    launches = {
        (tuple(sizes[name] for name in interface.sizes), architecture): each
        for architecture, found in read(made.content, len(calls)).items()
        for sizes, each in zip(calls, found, strict=True)
    }
    return TritonBuild(launches, made.cached, made.cost)


def job_of(interface: KernelInterface, calls: Sequence[Sizes]) -> dict[str, object]:
    """Return what ``_triton_builder`` is asked to do, but for the assembler's version."""
    return {
        "function": interface.function,
        "architectures": ARCHITECTURES,
        "calls": [dict(sizes) for sizes in calls],
        "buffers": [(buffer.dtype, buffer.shape) for buffer in interface.buffers],
        "names": interface.sizes,
        "scalars": tuple(interface.scalars.values()),
    }


def builder_text() -> str:
    """Return what compiles in the worker, as text."""
    return inspect.getsource(_triton_builder)


def release(told: str) -> str:
    """Return the release that an assembler prints with its version. Raises ProblemError for other words."""
    found = _RELEASE.search(told)
    if found is None:
        raise ProblemError(f"{_TOOLS}/ptxas: expected its release and version, it says {told!r}; reinstall triton")
    return found[1]


def assembler_told(architecture: int, rooms: Rooms, sandbox: str) -> str:
    """Return what the assembler for an architecture says of itself."""
    return version_of((_assembler(architecture), "--version"), _ROOM, rooms, sandbox)


def _assembler(architecture: int) -> str:
    return f"{_TOOLS}/ptxas" + ("-blackwell" if architecture >= _BLACKWELL else "")


def _target(architecture: int) -> str:
    return f"sm_{architecture}" + ("a" if architecture >= _SPECIAL else "")


def _made(candidate: Candidate, job: Mapping[str, object], rooms: Rooms, place: "Place") -> Made:
    before = rooms.cost
    reply, compiling = reply_of(candidate, job, place)
    try:
        compiled = _Compiled.model_validate_json(reply)
    except ValidationError as error:
        raise malformed(str(error.errors()[0]["msg"])) from None
    made = assembled(compiled.kernels, ARCHITECTURES, rooms)
    kernels = {name: {"ptx": each.ptx, "told": made[name].told} for name, each in compiled.kernels.items()}
    content = json.dumps({"calls": compiled.model_dump(mode="json")["calls"], "kernels": kernels}).encode()
    spent = Cost(cpu_s=rooms.cost.cpu_s - before.cpu_s, wall_s=rooms.cost.wall_s - before.wall_s)
    return Made(content, "", cached=False, cost=spent + compiling)


def reply_of(candidate: Candidate, job: Mapping[str, object], place: "Place") -> tuple[bytes, Cost]:
    """Have a sealed worker compile, and return what it replies. Raises CandidateFault."""
    limits = place.limits.model_copy(update={"cpu_s": COMPILE_S + _LOAD_S})
    arena = Arena(_REPLY_BYTES)
    try:
        process = place.sandbox.start(limits, place.cpu, BUILDER, shared=arena.descriptor)
        memory = {"arena": process.shared, "arena_bytes": arena.size}
        with Link(process, limits) as link:
            link.start({"serve": builder_text(), "source": candidate.source, **memory, **job})
            cost = Cost(cpu_s=link.cost.cpu_s, wall_s=link.cost.wall_s)
        (size,) = SIZE.unpack(arena.get(Span(0, SIZE.size)).tobytes())
        if size > arena.size - SIZE.size:
            raise malformed(f"expected at most {arena.size} bytes, got {size}")
        return arena.get(Span(SIZE.size, SIZE.size + size)).tobytes(), cost
    finally:
        arena.close()


def assembled(kernels: Mapping[str, Text], architectures: Sequence[int], rooms: Rooms) -> dict[str, Assembled]:
    """Return kernels as devices take them. Raises CandidateFault(INVALID) with the assembler's words where it fails."""
    if any(each.architecture not in architectures for each in kernels.values()):
        raise malformed("expected kernels for the architectures that were asked for")
    lines = []
    for i, each in enumerate(kernels.values()):
        how = f"{_FLAGS} --gpu-name={_target(each.architecture)}" + ("" if each.fused else " --fmad=false")
        command = f"{_assembler(each.architecture)} {how} {i}.ptx -o {i}.o"
        lines.append(f"{command} >{i}.txt 2>&1 || {{ cat {i}.txt >&2; exit 1; }}")
    order = Order(
        command=("sh", "-c", "\n".join(lines)),
        files={f"{i}.ptx": File(each.ptx.encode()) for i, each in enumerate(kernels.values())},
        wanted=tuple(f"{i}.{end}" for i in range(len(kernels)) for end in ("txt", "o")),
        wall_s=rooms.limits.start_wall_s,
        wall_limit="start_wall_s",
        cpu_s=COMPILE_S,
    )
    try:
        files = rooms.carry_out(order, _ROOM).files
    except CandidateFault as fault:
        if fault.status is not Status.CRASHED:
            raise
        raise CandidateFault(Status.INVALID, f"the assembler refused it: {fault.detail}") from None
    if len(files) != len(order.wanted or ()):
        raise malformed("expected what the assembler makes and tells of each kernel")
    return {
        name: Assembled(files[f"{i}.txt"].content.decode(errors="replace"), files[f"{i}.o"].content)
        for i, name in enumerate(kernels)
    }


def require_triton() -> None:
    """Raise ProblemError, with what to do, where Triton is not installed."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise ProblemError(
            f"language triton: expected {', '.join(PACKAGES)} beside Speciate, found no {', '.join(absent)}; "
            "install them: pip install 'speciate[triton]'"
        )
