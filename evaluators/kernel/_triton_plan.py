"""A Triton kernel for a GPU that is there: compiled for it, and its calls as launches that our own process can make.

Which kernels those are depends on sizes and on where buffers begin, so calls are compiled before they are made. What
each launches is the candidate's word, as its code is: whatever it says, that is launched, checked and timed. An H200
has run so 47 kernels of fourteen problems. Parameters are laid out as the launcher of Triton 3.8 does it.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from .. import _kernel_host, _triton_planner
from .._contract import Candidate, Cost, Frozen, Status
from .._errors import CandidateFault
from .._room import Rooms
from .._triton_planner import RESIDUE
from ._arena import Slot
from ._interface import KernelInterface
from ._launches import GRID_MOST, SCRATCH_MOST
from ._triton import Told, malformed
from ._triton_build import Texts, assembled, assembler_told, job_of, release, reply_of, require_triton

if TYPE_CHECKING:
    from ..kinds import Place
    from ._problem import KernelProblem

_WARP = 32
_BESIDE = ("global", "profile")
"""What Triton's launcher hands to every kernel behind its own parameters: memory for a program, or no address."""
_NOWHERE = ("number", 0)
_WORDS = 1 << 64
_Size = Annotated[int, Field(ge=0, lt=1 << 40)]
_Bytes = Annotated[int, Field(gt=0, lt=1 << 40)]
_Argument = tuple[Literal["buffer", "own", "bits"], Annotated[int, Field(ge=0, lt=_WORDS)], _Size]
"""Which buffer, which tensor of the call's own, each with an offset in bytes; or eight bytes, as a whole number."""


class Handed(Told):
    """A launch with its arguments."""

    arguments: tuple[_Argument, ...] = Field(max_length=500)
    beside: tuple[_Size, _Size]
    """Bytes that each program has of ``_BESIDE``."""


class Plan(Frozen):
    """What one call has a device do."""

    launches: tuple[Handed, ...] = Field(min_length=1, max_length=1000)
    own: tuple[_Bytes, ...] = Field(max_length=1000)
    """Bytes of the tensors that the function allocates."""

    def scratch(self) -> dict[str, int]:
        """Return the bytes of all memory that is the call's own, by a name."""
        found = {_own(which): size for which, size in enumerate(self.own)}
        for number, launch in enumerate(self.launches):
            for kind, size in zip(_BESIDE, launch.beside, strict=True):
                found[_beside(kind, number)] = size * math.prod(launch.grid)
        return {name: size for name, size in found.items() if size}


class Plans(Frozen):
    """All that a sandbox replies."""

    calls: tuple[Plan, ...]
    kernels: Texts


class Laid(NamedTuple):
    """A call, as far as what is compiled depends on it."""

    sizes: tuple[int, ...]
    residues: tuple[int, ...]
    """Bytes by which each buffer begins behind a multiple of ``RESIDUE``."""

    @classmethod
    def of(cls, slot: Slot) -> "Laid":
        """Return that of a slot."""
        starts, sizes = slot.call
        return cls(sizes, tuple(start % RESIDUE for start in starts))


class TritonCode(NamedTuple):
    """Kernels in Triton and the launches of some calls. A ``Code``."""

    interface: KernelInterface
    images: Mapping[str, bytes]
    plans: Mapping[Laid, Plan]

    @property
    def told(self) -> Mapping[str, Any]:
        """Each kernel's device code."""
        return {"images": self.images}

    def call(self, slot: Slot) -> Mapping[str, Any]:
        """Return the launches with places in the shared memory for buffers. Raises KeyError for one of other sizes."""
        plan, (starts, _) = self.plans[Laid.of(slot)], slot.call
        scratch = plan.scratch()
        launches = [_launch(number, each, starts, scratch) for number, each in enumerate(plan.launches)]
        return {"scratch": scratch, "launches": launches}


class Built(NamedTuple):
    """A candidate for a GPU, and what making it took."""

    code: TritonCode
    cost: Cost


def built_for(
    problem: "KernelProblem", candidate: Candidate, slots: Sequence[Slot], rooms: Rooms, place: "Place"
) -> Built:
    """Compile a candidate for the problem's GPU and for calls that are laid like ``slots``.

    Raises CandidateFault: ``invalid`` with the compiler's words, of a limit, or where launches do not follow from the
    sizes; ``protocol`` for a reply that is none. ProblemError where Triton is not installed.
    """
    require_triton()
    assert problem.gpu is not None
    architecture, interface = problem.gpu.architecture, problem.interface
    calls = list(dict.fromkeys(map(Laid.of, slots)))
    job = {
        **job_of(interface, []),
        "calls": [tuple(each) for each in calls],
        "architecture": architecture,
        "assembler": release(assembler_told(architecture, rooms, place.sandbox.name)),
        "planner": tuple(map(inspect.getsource, (_kernel_host, _triton_planner))),
    }
    before = rooms.cost
    reply, compiling = reply_of(candidate, job, place)
    found = read(reply, calls, interface)
    made = assembled(found.kernels, (architecture,), rooms)
    spent = Cost(cpu_s=rooms.cost.cpu_s - before.cpu_s, wall_s=rooms.cost.wall_s - before.wall_s)
    images = {name: each.content for name, each in made.items()}
    return Built(TritonCode(interface, images, dict(zip(calls, found.calls, strict=True))), spent + compiling)


def read(reply: bytes, calls: Sequence[Laid], interface: KernelInterface) -> Plans:
    """Return the plans of calls. Raises CandidateFault for a reply that is none, or what no device can be asked for."""
    try:
        found = Plans.model_validate_json(reply)
    except ValidationError as error:
        raise malformed(str(error.errors()[0]["msg"])) from None
    if len(found.calls) != len(calls):
        raise malformed(f"expected {len(calls)} calls, got {len(found.calls)}")
    for call, plan in zip(calls, found.calls, strict=True):
        sizes = dict(zip(interface.sizes, call.sizes, strict=True))
        room = {"buffer": [each.byte_count(sizes) for each in interface.buffers], "own": plan.own}
        for launch in plan.launches:
            if launch.hash not in found.kernels:
                raise malformed("expected the text of each kernel")
            for argument in launch.arguments:
                _check_argument(argument, room)
            _check_grid(launch)
        if sum(plan.scratch().values()) > SCRATCH_MOST:
            words = f"at {sizes}: expected at most {SCRATCH_MOST >> 20} MiB of its own, got {plan.scratch()} bytes"
            raise CandidateFault(Status.INVALID, words)
    return found


def _check_argument(argument: _Argument, room: Mapping[str, Sequence[int]]) -> None:
    kind, which, offset = argument
    if kind != "bits" and not (which < len(room[kind]) and offset <= room[kind][which]):
        raise malformed(f"expected arguments within tensors, got byte {offset} of {kind} {which}")


def _check_grid(launch: Handed) -> None:
    if any(not 1 <= size <= most for size, most in zip(launch.grid, GRID_MOST, strict=False)):
        words = f"launch of {launch.kernel}: expected a grid of 1 to {GRID_MOST}, got {launch.grid}"
        raise CandidateFault(Status.INVALID, words)


def _launch(number: int, told: Handed, starts: Sequence[int], scratch: Mapping[str, int]) -> dict[str, Any]:
    """Return what the process that drives the GPU is told of the launch of that number."""
    arguments = [_passed(argument, starts) for argument in told.arguments]
    for name in (_beside(kind, number) for kind in _BESIDE):
        arguments.append(("scratch", (name, 0)) if name in scratch else _NOWHERE)
    x, y, z = (*told.grid, 1, 1)[:3]
    return {
        "image": told.hash,
        "kernel": told.kernel,
        "grid": (x, y, z),
        "block": (_WARP * told.warps, 1, 1),
        "shared": told.shared_bytes,
        "arguments": arguments,
    }


def _passed(argument: _Argument, starts: Sequence[int]) -> tuple[str, Any]:
    kind, which, offset = argument
    if kind == "buffer":
        return "buffer", starts[which] + offset
    return ("scratch", (_own(which), offset)) if kind == "own" else ("number", which)


def _own(which: int) -> str:
    return f"tensor {which}"


def _beside(kind: str, number: int) -> str:
    return f"{kind} of launch {number}"
