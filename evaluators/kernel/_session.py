"""A kernel behind the boundary, judge's side: memory that both share, and a word that says: now."""

import inspect
import os
import select
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .. import _kernel_host, _kernel_trace, _kernel_worker, _triton_worker
from .._contract import Candidate, Cost, Status
from .._errors import CandidateFault, ProblemError
from .._link import Link, write_all
from .._problem import Limits
from .._worker import ANSWER
from ..sandbox import SandboxProcess
from ..sandbox._kind import SCRATCH, control
from ._arena import Arena, Slot
from ._build import Built
from ._cuda import CudaBuild
from ._interface import KernelInterface
from ._notes import Notes
from ._remote import GoneError, reachable
from ._triton import Launches

if TYPE_CHECKING:
    from ._gpu_runner import Code
    from ._problem import KernelProblem

MODELLED = ("triton", "nvcc")
"""Tools whose kernels no core's clock is read for: what they write down is much, and is read where they share it."""
NOW = b"\0"
"""Asks for the prepared calls."""
DONE = ANSWER.pack(0, 0.0)
"""What is answered to everything."""


class Lap(NamedTuple):
    """What the judge's clocks say of some calls: from the word to the answer."""

    wall_s: float
    cpu_s: float
    """Of the kernel's process; 0 on a GPU."""
    device_s: float = 0.0
    """On a GPU, by its own marks; 0 elsewhere."""
    queued_s: float = 0.0
    """The same, with what the GPU did since the wall time began."""


class Runner(Protocol):
    """What makes calls of one kernel in a process of its own: a candidate's sandbox, or a trusted bar's process."""

    arena: Arena

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next."""

    def run(self) -> Lap:
        """Have the prepared calls made, one after the other, and return what they took."""


class Subject(Runner, Protocol):
    """A kernel that is judged."""

    interface: KernelInterface
    seed: int
    """Of all that it must not foresee: inputs, hidden shapes, guards, which calls are checked."""

    def begin(self) -> None:
        """Start a workload's own clocks."""

    def wrong(self, detail: str, status: Status = Status.INCORRECT) -> CandidateFault:
        """Return the fault of an answer that is not right, and stop the kernel: no later call may be believed."""


class Kernel(Link):
    """A candidate's kernel in a sandboxed worker. What ``KernelProblem.measure`` is handed; a ``Subject``.

    Args:
        process: a started worker that shares the arena.
        limits: of the worker.
        interface: of the problem.
        arena: the shared memory; closed with the kernel.
        seed: of all that the kernel must not foresee: inputs, hidden shapes, guards, which calls are checked.
    """

    def __init__(self, process: SandboxProcess, limits: Limits, interface: KernelInterface, arena: Arena, seed: int):
        super().__init__(process, limits)
        self.interface = interface
        self.arena = arena
        self.seed = seed
        self.cpu = 0
        """The core that it is pinned to, as its bars will be."""
        self.notes = Notes(0, ())
        """What is known of its binary."""
        self.lines = 0
        """Of its code, comments and empty lines left out."""
        self.build_cost = Cost()
        self.build_cached = False
        self.build: Callable[[Candidate], Built] = _no_compiler
        """Builds C++ as the kernel itself was or would be: for a bar."""
        self.candidate: Candidate | None = None
        """What it was made of."""
        self.code_of: Callable[[Candidate, Sequence[Slot]], Code] = _no_code
        """Compiles a candidate in the same language for the problem's GPU, and for calls like these."""
        self.code: Code | None = None
        """What that gave of its own, once it was asked for."""
        self.cuda: CudaBuild | None = None
        """Device code and launches of a CUDA kernel, whose process is the emulator's."""
        self.launches: Launches = {}
        """What a Triton kernel launches, as it was compiled for what is modelled."""
        self.beside: Callable[[KernelProblem, Candidate], Kernel] = _no_sandbox
        """Opens another candidate where this one is: for a bar that nobody trusts."""
        self.labels: list[str] = []
        """What is to be known of its evaluation; may grow while it is measured."""
        self.off_clock_s = 0.0
        """CPU seconds that its process took while it had answered and nothing was asked of it."""
        self._answered_s: float | None = None
        self._idle_bytes: int | None = None
        """Most address space before it was called; of Python, which imports and compiles then, after the first run."""
        self.error: float | None = None
        """Largest error of its checked answers, as a share of what is allowed; None before they were checked."""

    @property
    def cost(self) -> Cost:
        """Consumed by its process and its build."""
        return super().cost + self.build_cost

    def load(self, code: dict[str, Any]) -> None:
        """Have the worker load the kernel: ``object`` or ``source``. Raises CandidateFault, SandboxError."""
        told: dict[str, Any] = {"serve": worker_text(), "arena": self.process.shared, "folder": SCRATCH}
        if self.interface.tool == "triton":
            told["launcher"] = launcher_texts()
        told["own"] = own = self.interface.tool not in MODELLED and reachable(self.pid)
        self.start({**told, **call_facts(self.interface, self.arena), **code})
        if own:
            self.arena.reach(self.pid, self._gone)
        if "object" in code:
            self._idle_bytes = self._peak_bytes()

    def _gone(self, error: GoneError) -> Exception:
        return self.failed(b"", None) if error.ended else self.refuse(str(error))

    def begin(self) -> None:
        """Start a workload's own clocks."""
        self.watchdog.begin()

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next. Raises CandidateFault, SandboxError."""
        if self.cuda is not None:
            for slot in slots:
                self.cuda.launches.plan(slot.sizes)
        self._ask(control({"calls": [slot.call for slot in slots]}))

    def record(self, words: int, programs: int = 0) -> None:
        """Have launches written down from here on, in so many words of the arena's beginning; 0 for no longer.

        Of a Triton launch with more than ``programs`` programs, only those that are written down are run.
        """
        self._ask(control({"record": words, "programs": programs}))

    def run(self) -> Lap:
        """Have the prepared calls made; see ``Runner``. Raises CandidateFault, SandboxError."""
        lap = self._ask(NOW)
        if self._idle_bytes is None:
            self._idle_bytes = self._peak_bytes()
        return lap

    def _ask(self, question: bytes) -> Lap:
        self.require_open()
        if self.fault is not None:
            raise self.fault
        ask, answer, calls, data = self.process.ask, self.process.answer, self.watchdog.calls, b""
        if select.select([answer], [], [], 0)[0]:
            raise self.failed(os.read(answer, ANSWER.size), None)
        calls[0] += 1
        cpu_s, began = self.process.cpu_s(), time.perf_counter()
        if self._answered_s is not None:
            self.off_clock_s += cpu_s - self._answered_s
        try:
            write_all(ask, question)
            data = os.read(answer, ANSWER.size)
        except BrokenPipeError:
            pass
        ended = time.perf_counter()
        if data != DONE:
            raise self.failed(data, None)
        calls[0] += 1
        self._answered_s = self.process.cpu_s()
        return Lap(ended - began, self._answered_s - cpu_s)

    def temp_bytes(self) -> int:
        """Return the most that any call so far allocated beside what its process had before.

        Raises CandidateFault, SandboxError: it has ended, or was killed at its deadline.
        """
        most = self._peak_bytes()
        return most - self._idle_bytes if self._idle_bytes is not None else 0

    def _peak_bytes(self) -> int:
        """Return the most address space that its process ever had."""
        try:
            with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
                peak = next((line for line in file if line.startswith("VmPeak:")), None)
        except (FileNotFoundError, ProcessLookupError):
            peak = None
        if peak is None:
            raise self.failed(b"", None)
        return int(peak.split()[1]) << 10

    def wrong(self, detail: str, status: Status = Status.INCORRECT) -> CandidateFault:
        """Return the fault of an answer that is not right, and stop the kernel: no later call may be believed."""
        if self.fault is None:
            self.fault = CandidateFault(status, detail)
            self.process.kill()
        return CandidateFault(status, detail)

    def close(self) -> None:
        """Kill it and free the memory. Safe to repeat."""
        super().close()
        self.arena.close()


def _no_compiler(candidate: Candidate) -> Built:
    raise ProblemError("no compiler was given to this kernel's session")


def _no_code(candidate: Candidate, slots: Sequence[Slot]) -> "Code":
    raise ProblemError("no compiler was given to this kernel's session")


def _no_sandbox(problem: "KernelProblem", candidate: Candidate) -> Kernel:
    raise ProblemError("no sandbox was given to this kernel's session")


def call_facts(interface: KernelInterface, arena: Arena) -> dict[str, Any]:
    """Return what every loader is told of the interface and the arena."""
    return {
        "arena_bytes": arena.size,
        "emulated": interface.tool == "nvcc",
        "function": interface.function,
        "buffers": [(buffer.dtype, buffer.shape) for buffer in interface.buffers],
        "names": interface.sizes,
        "sizes": len(interface.sizes),
        "scalars": tuple(interface.scalars.values()),
        **interface.told,
    }


@cache
def worker_text() -> str:
    """Return the loop that runs beside the kernel, as text."""
    return inspect.getsource(_kernel_worker)


@cache
def launcher_texts() -> tuple[str, ...]:
    """Return what has Triton kernels interpreted, watched and written down, as texts in this order."""
    return tuple(map(inspect.getsource, (_kernel_host, _kernel_trace, _triton_worker)))
