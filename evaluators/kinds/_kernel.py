"""The evaluator of kernels: built in a room, loaded in a sealed worker, called through shared memory."""

import os
import re
import secrets
import weakref
from collections.abc import Sequence
from importlib.util import find_spec

from .._contract import Candidate, Status, canonical_python
from .._errors import CandidateFault, ProblemError
from .._problem import Problem
from .._room import Rooms
from .._screen import screen
from .._watchdog import Watchdog
from ..kernel._arena import Arena, Slot
from ..kernel._build import Built, built
from ..kernel._cuda import EMULATED, built_cuda, check_text, compiled
from ..kernel._gpu_runner import Code, DeviceCode
from ..kernel._interface import KernelInterface
from ..kernel._labels import calls_a_library
from ..kernel._languages import Tool
from ..kernel._launches import launches_of
from ..kernel._pages import HEAP, SMALL_PAGES, in_huge_pages
from ..kernel._problem import LIBRARY, KernelProblem
from ..kernel._session import MODELLED, Kernel
from ..kernel._triton_build import INTERPRETER, PACKAGES, built_triton
from ..kernel._triton_plan import built_for
from ..sandbox import SandboxProcess, Worker, sandbox_named
from ..sandbox._interpreter import TORCH
from . import Place, Session

_MANY = 1000
"""Workloads: trusted code has no budget over all of them."""
_COMPILERS: dict[Tool, tuple[str, ...]] = {"numba": ("numba", "llvmlite"), "triton": PACKAGES, "torch": TORCH}
"""What is shown beside NumPy to kernels in Python."""


class KernelEvaluator:
    """Judges kernels; see ``Evaluator``."""

    def screen(self, problem: Problem[Kernel], candidate: Candidate) -> CandidateFault | None:
        """Check language and size, and that the function is there."""
        interface = kernel_problem(problem).interface
        if interface.language == "python":
            return screen(candidate, interface, problem.limits)
        reason = None
        if candidate.language != interface.language or len(candidate.files) != 1:
            reason = f"expected one file in {interface.language}, got {len(candidate.files)} of {candidate.language!r}"
        elif (size := len(candidate.source.encode(errors="surrogatepass"))) > problem.limits.source_bytes:
            reason = f"the source may have at most {problem.limits.source_bytes} bytes, it has {size}"
        elif interface.tool == "nvcc":
            return _unfit(candidate, interface)
        elif re.search(rf"\b{interface.function}\b", candidate.source) is None:
            reason = f'expected extern "C" {interface.prototype}, found no {interface.function}'
        return CandidateFault(Status.INVALID, reason) if reason else None

    def open(self, problem: Problem[Kernel], candidate: Candidate, place: Place) -> Session[Kernel]:
        """Build the candidate and load it in a worker. Raises CandidateFault(INVALID) with the compiler's words."""
        mine = kernel_problem(problem)
        kernel = _opened(mine, candidate, place)
        kernel.lines = _lines(candidate)
        if calls_a_library(candidate, mine.interface.tool):
            kernel.labels.append(LIBRARY)
        return Session(kernel, lambda: kernel.cost, kernel.close, labels=kernel.labels)

    def inline(self, problem: Problem[Kernel], candidate: Candidate) -> Kernel:
        """Return trusted code as a kernel. It too is loaded in a sandbox, which ends when nobody holds the kernel."""
        place = Place(problem.limits.for_workloads(_MANY), sandbox_named())
        kernel = self.open(problem, candidate, place).subject
        weakref.finalize(kernel, _end, kernel.watchdog, kernel.process, kernel.arena)
        return kernel

    def behaviour(self, problem: Problem[Kernel], subject: Kernel) -> None:
        """Return None: kernels that answer alike differ in speed, which is what counts."""

    def recorded_probe(self, problem: Problem[Kernel]) -> None:
        """Return None, as ``behaviour`` does."""


def kernel_problem(problem: Problem[Kernel]) -> KernelProblem:
    """Return the problem as one of kernels. Raises ProblemError where it is none."""
    if not isinstance(problem, KernelProblem):
        raise ProblemError(f"{problem.name}: expected a subclass of KernelProblem, its kind is {problem.kind}")
    return problem


def _unfit(candidate: Candidate, interface: KernelInterface) -> CandidateFault | None:
    """Return why a CUDA candidate's text cannot be taken; None where it can."""
    try:
        check_text(candidate)
        launches_of(candidate.source, interface)
    except CandidateFault as fault:
        return fault
    return None


def _opened(problem: KernelProblem, candidate: Candidate, place: Place) -> Kernel:
    interface, tool = problem.interface, problem.interface.tool

    def rooms() -> Rooms:
        return Rooms(place.limits, place.sandbox, place.cpu)

    def build(source: Candidate) -> Built:
        return built(source, rooms(), place.sandbox.name)

    def code_of(source: Candidate, slots: Sequence[Slot]) -> Code:
        if tool == "nvcc":
            launches = launches_of(source.source, interface)
            return DeviceCode(compiled(source, launches, rooms(), place.sandbox.name).content, launches)
        code, cost = built_for(problem, source, slots, rooms(), place)
        if source is candidate:
            kernel.build_cost += cost
        return code

    cuda = built_cuda(candidate, interface, rooms(), place.sandbox.name) if tool == "nvcc" else None
    made = cuda.emulated if cuda else build(candidate) if tool == "g++" else None
    launches = built_triton(problem, candidate, rooms(), place) if tool == "triton" else None
    cpu = min(os.sched_getaffinity(0)) if place.cpu is None else place.cpu
    timed = Worker(environment=HEAP) if made is not None else Worker(True, _shown(tool), environment=HEAP)
    room = INTERPRETER if tool == "triton" else timed
    arena = Arena(problem.arena_bytes)
    try:
        process = place.sandbox.start(place.limits, cpu, room, shared=arena.descriptor)
        kernel = Kernel(process, place.limits, problem.interface, arena, secrets.randbits(63))
    except BaseException:
        arena.close()
        raise
    try:
        kernel.candidate, kernel.cpu, kernel.build, kernel.code_of = candidate, cpu, build, code_of
        many = place._replace(limits=problem.limits.for_workloads(_MANY), cpu=cpu)
        kernel.beside = lambda other_problem, other: _opened(other_problem, other, many)
        if made is not None:
            kernel.notes, kernel.build_cached, kernel.build_cost = made.notes, made.cached, made.cost
        if launches is not None:
            kernel.launches, kernel.build_cached, kernel.build_cost = launches
        if cuda is not None:
            kernel.cuda = cuda
            kernel.labels.append(EMULATED)
        kernel.load({"source": candidate.source} if made is None else {"object": made.content})
        if tool not in MODELLED and not in_huge_pages(kernel.arena.reached):
            kernel.labels.append(SMALL_PAGES)
    except BaseException:
        kernel.close()
        raise
    return kernel


def _shown(tool: Tool) -> tuple[str, ...]:
    beside = _COMPILERS["numba"] if tool == "torch" else ()
    return (*_COMPILERS[tool], *(name for name in beside if find_spec(name) is not None))


def _lines(candidate: Candidate) -> int:
    """Return how many lines of code there are, comments and empty ones left out."""
    if candidate.language == "python":
        return len(canonical_python(candidate.source).splitlines())
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", candidate.source, flags=re.DOTALL)
    return sum(1 for line in text.splitlines() if line.strip())


def _end(watchdog: Watchdog, process: SandboxProcess, arena: Arena) -> None:
    watchdog.stop()
    process.close()
    arena.close()
