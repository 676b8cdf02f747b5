"""A kernel on a GPU, judge's side: the same memory and the same word as on a core, in a process that drives the GPU.

That process is ours: of a candidate it is handed device code, which its sandboxed compiler made, and launches that the
judge has reckoned or a sandbox has told. The tests drive it on a stand-in for the driver; on a real device, an H200,
117 kernels of fourteen problems were checked and timed by it, in CUDA and in Triton (``docs/gpu``).
"""

import inspect
import math
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from .. import _gpu_driver, _gpu_worker
from .._contract import Status
from .._errors import CandidateFault, SandboxError
from .._layout import STATUSES
from .._problem import Limits
from ..sandbox._kind import control
from ._arena import Arena, Slot
from ._bars import BarError
from ._gpus import VISIBLE, Gpu
from ._interface import KernelInterface
from ._launches import Launches, Planned
from ._session import NOW, Lap
from ._trusted import LateError, Trusted, TrustedError

_FIGURES = struct.Struct("=3d")
_FIGURE = struct.Struct("=d")
_ONE = ""
"""Name of the image where there is one."""
T = TypeVar("T")


class Code(Protocol):
    """What is loaded on a GPU, and how a call of it is told."""

    @property
    def interface(self) -> KernelInterface:
        """Of the problem."""

    @property
    def told(self) -> Mapping[str, Any]:
        """What the process that drives it is told once."""

    def call(self, slot: Slot) -> Mapping[str, Any]:
        """Return what it is told of a call. Raises CandidateFault(INVALID) for one that no device takes."""


class DeviceCode(NamedTuple):
    """Kernels in CUDA, and their launches, which are arithmetic of the sizes."""

    image: bytes
    launches: Launches

    @property
    def interface(self) -> KernelInterface:
        """Of the problem."""
        return self.launches.interface

    @property
    def told(self) -> Mapping[str, Any]:
        """The fat binary."""
        return {"images": {_ONE: self.image}}

    def call(self, slot: Slot) -> Mapping[str, Any]:
        """Return the launches with places in the shared memory for buffers."""
        starts = {buffer.name: span.start for buffer, span in zip(slot.interface.buffers, slot.buffers, strict=True)}
        return {
            "scratch": self.launches.scratch_bytes(slot.sizes),
            "launches": [_launch(each, starts) for each in self.launches.plan(slot.sizes)],
        }


class TorchCode(NamedTuple):
    """A known form in torch: a function of a trusted file."""

    path: str
    function: str
    interface: KernelInterface

    @property
    def told(self) -> Mapping[str, Any]:
        """Where it is, and of what types its arrays are."""
        return {
            "path": self.path,
            "function": self.function,
            "dtypes": [buffer.dtype for buffer in self.interface.buffers],
            "scalars": tuple(self.interface.scalars.values()),
        }

    def call(self, slot: Slot) -> Mapping[str, Any]:
        """Return where its arrays begin, their shapes, and the sizes."""
        starts, sizes = slot.call
        shapes = [buffer.dimensions(slot.sizes) for buffer in self.interface.buffers]
        return {"starts": starts, "shapes": shapes, "sizes": sizes}


def _launch(planned: Planned, starts: Mapping[str, int]) -> dict[str, Any]:
    arguments: list[tuple[str, Any]] = []
    for each in planned.arguments:
        if isinstance(each, str):
            arguments.append(("buffer", starts[each]) if each in starts else ("scratch", (each, 0)))
        else:
            arguments.append(("scalar" if isinstance(each, float) else "number", each))
    return {
        "image": _ONE,
        "kernel": planned.kernel,
        "grid": planned.grid,
        "block": planned.block,
        "shared": planned.shared,
        "arguments": arguments,
    }


class OnGpu:
    """Code on one GPU, in a trusted process of its own. A ``Runner``; close it.

    Args:
        name: for messages.
        gpu: held by who opens it.
        code: what is loaded.
        arena_bytes: memory for its calls.
        limits: ``start_wall_s`` to load, ``decision_wall_s`` for the prepared calls.

    Raises TrustedError where it does not start or load.
    """

    def __init__(self, name: str, gpu: Gpu, code: Code, arena_bytes: int, limits: Limits):
        self.name = name
        self.gpu = gpu
        self.arena = Arena(arena_bytes)
        self._code = code
        self._limits = limits
        self._worker = Trusted(self.arena, environment={VISIBLE: gpu.place})
        texts = {"serve": _text(_gpu_worker), "driver": _text(_gpu_driver)}
        self._worker.load({**texts, "arena_bytes": self.arena.size, **code.told}, limits.start_wall_s)

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next. Raises CandidateFault(INVALID), TrustedError."""
        calls = [{"span": (slot.guards[0].start, slot.end), **self._code.call(slot)} for slot in slots]
        self._say({"calls": calls})

    def run(self) -> Lap:
        """Have the prepared calls made; the wall time is that process's. Raises TrustedError."""
        device_s, queued_s, host_s = _FIGURES.unpack(self._worker.say(NOW, self._limits.decision_wall_s))
        return Lap(host_s, 0.0, device_s, queued_s)

    def copy_s(self, size: int) -> float:
        """Return the least seconds in which the device moves ``size`` bytes, half read and half written."""
        return float(_FIGURE.unpack(self._say({"copy": size}))[0])

    def graph_s(self) -> float | None:
        """Return the seconds of the first prepared call as a graph, on warm caches; None where the driver has none."""
        (found,) = _FIGURE.unpack(self._say({"graph": True}))
        return float(found) if math.isfinite(found) else None

    def _say(self, message: Mapping[str, Any]) -> bytes:
        return self._worker.say(control(message), self._limits.start_wall_s)

    def close(self) -> None:
        """End its process and free all memory. Safe to repeat."""
        self._worker.close()


class GpuBar(OnGpu):
    """A known form on a GPU. A ``Form``: whatever fails is a BarError."""

    def __init__(self, name: str, gpu: Gpu, code: Code, arena_bytes: int, limits: Limits):
        self.name = name
        self._said(lambda: super(GpuBar, self).__init__(name, gpu, code, arena_bytes, limits))

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next. Raises BarError."""
        self._said(lambda: super(GpuBar, self).prepare(slots))

    def run(self) -> Lap:
        """Have the prepared calls made. Raises BarError."""
        return self._said(super().run)

    def _said(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (CandidateFault, TrustedError) as error:
            raise BarError(f"bar {self.name}: {error}") from error


class GpuKernel(OnGpu):
    """A candidate's kernel on a GPU. A ``Subject``: what its own code does wrong is a CandidateFault.

    Args:
        interface: of the problem.
        seed: of all that the kernel must not foresee.

    Raises CandidateFault, SandboxError.
    """

    def __init__(self, gpu: Gpu, code: Code, arena_bytes: int, limits: Limits, seed: int):
        self.interface = code.interface
        self.seed = seed
        self._deadline_s = time.monotonic() + limits.wall_s
        self._said(lambda: super(GpuKernel, self).__init__("candidate", gpu, code, arena_bytes, limits))

    def begin(self) -> None:
        """Start a workload's own clock."""
        self._deadline_s = time.monotonic() + self._limits.wall_s

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next. Raises CandidateFault, SandboxError."""
        self._said(lambda: super(GpuKernel, self).prepare(slots))

    def run(self) -> Lap:
        """Have the prepared calls made. Raises CandidateFault, SandboxError."""
        if time.monotonic() > self._deadline_s:
            raise _late(self._limits, "wall_s", "one workload was not finished within {:g} wall seconds")
        return self._said(super().run)

    def copy_s(self, size: int) -> float:
        """Return the least seconds in which the device moves ``size`` bytes. Raises SandboxError."""
        return self._said(lambda: super(GpuKernel, self).copy_s(size))

    def graph_s(self) -> float | None:
        """Return the seconds of the first prepared call as a graph. Raises CandidateFault, SandboxError."""
        return self._said(super().graph_s)

    def wrong(self, detail: str, status: Status = Status.INCORRECT) -> CandidateFault:
        """Return the fault of an answer that is not right, and end the process."""
        self._worker.kill()
        return CandidateFault(status, f"on {self.gpu.name}: {detail}")

    def _said(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except LateError:
            words = "a call on the GPU took longer than {:g} s"
            raise _late(self._limits, "decision_wall_s", words) from None
        except TrustedError as error:
            status = STATUSES.get(error.status) if error.status is not None else None
            if status in (Status.INVALID, Status.CRASHED):
                raise CandidateFault(status, f"on {self.gpu.name}: {error}") from None
            raise SandboxError(f"the process that drives {self.gpu.name}: {error}") from error


def _late(limits: Limits, name: str, words: str) -> CandidateFault:
    allowed = float(getattr(limits, name))
    return CandidateFault(Status.TIMEOUT, words.format(allowed), limit=name, after_s=allowed)


@cache
def _text(module: Any) -> str:
    return inspect.getsource(module)
