"""What every sandbox is: the protocol, and the started process it hands to the boundary."""

import marshal
import math
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from types import CodeType
from typing import Any, NamedTuple, Protocol

from .._errors import ProblemError, SandboxError, SandboxUnavailableError
from .._problem import Limits
from .._worker import ANSWER, CONTROL, HEADER
from ._interpreter import worker_code
from ._seccomp import program_filter, sealed_filter

READY_WALL_S = 30.0
"""How long a sandbox may take to come up before that is our failure."""
SCRATCH = "/tmp"
SCRATCH_BYTES = 16 << 20
"""Of the private scratch folder, and of any one file in it."""
PROGRAM_SCRATCH_BYTES = 64 << 20
"""The same where whole programs run: compilers leave large files."""
_MARSHAL = 4
"""Version of the format: a container's Python may be older than the judge's."""
_LEAST_MEMORY_BYTES = 64 << 20
_UID_BASE = 1_900_000_000
"""Above every range that distributions hand out (systemd's container ids end at 1,879,048,191)."""


class Sandbox(Protocol):
    """A way to run untrusted code: one fresh process a candidate, killed whole when it is done.

    Implementations hold no state, so one value may be used from several threads. A started process dies with
    the *thread* that started it (the kernel ties the parent-death signal to it).
    """

    name: str

    def available(self) -> str | None:
        """Return None where this sandbox works on this machine (tried by running it), else the reason."""

    def describe(self) -> list[str]:
        """Return sentences on what this sandbox stops, and does not stop, on this machine."""

    def start(
        self, limits: Limits, cpu: int | None = None, room: "Room | None" = None, shared: int | None = None
    ) -> "SandboxProcess":
        """Start a worker that has given up everything and waits for a program.

        Args:
            limits: memory, CPU and file limits the worker sets on itself before any candidate code.
            cpu: core to pin the process to; None leaves it where the calling thread may run.
            room: None for the sealed Python worker of policies; ``Worker`` for one with packages beside it;
                ``Programs`` for a room in which whole programs run.
            shared: descriptor of memory that the worker is to share with the judge (``SandboxProcess.shared``).

        Raises SandboxUnavailableError where the sandbox cannot be had, SandboxError where a start failed,
        ProblemError for a memory limit that Python itself does not fit in.
        """


class Worker(NamedTuple):
    """The sealed Python worker: one process, which can start nothing."""

    packages: bool = False
    """Whether it may import NumPy: found in ``PACKAGES``, which is then on its path."""
    extras: tuple[str, ...] = ()
    """Further packages to show beside NumPy, as they are installed here."""
    loaded: tuple[str, ...] = ()
    """Modules that take long to import. A sandbox may fork the worker from a process of its own that has them; it
    then has no scratch folder, and what loading them took is not its cost."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables of its process, beside what every worker has; they stand while those are imported."""


class Programs(NamedTuple):
    """A room for whole programs: the worker is a runner that starts commands as unprivileged children.

    Inside, fork, exec and threads are allowed; network, ptrace, namespaces, io_uring and mounts are not.
    """

    readable: tuple[str, ...] = ()
    """Files and folders of this machine to show inside, at their own paths and read-only."""
    packages: bool = False
    """Whether NumPy is shown, as to a ``Worker``."""
    extras: tuple[str, ...] = ()
    """Further packages to show beside NumPy, as they are installed here."""


Room = Worker | Programs


class SandboxProcess(Protocol):
    """A confined worker, however it was started. The judge writes to ``ask``, reads ``answer``, drains ``log``."""

    ask: int
    answer: int
    log: int
    pid: int
    """The worker as this machine's process table shows it."""
    shared: int | None
    """Number that the descriptor of shared memory has in the worker."""

    def cpu_s(self) -> float:
        """Return the CPU seconds of the worker's own process; after its death the last value seen."""

    def kill(self) -> None:
        """Send SIGKILL to the whole tree. Safe to repeat, and from any thread, until ``close``."""

    def died(self, patience_s: float) -> int | None:
        """Wait for the worker to end by itself and return its exit code (128 + N for signal N), else None.

        Raises SandboxError where that can no longer be known.
        """

    def out_of_memory(self) -> bool:
        """Return whether the worker that ``died`` was killed for the memory limit of its own sandbox."""

    def close(self) -> None:
        """Kill what is left, wait for it and close every descriptor. Safe to repeat."""


class CpuClock:
    """The CPU seconds of another process, readable after its end."""

    def __init__(self, pid: int):
        # CPUCLOCK_SCHED of that pid, see clock_getcpuclockid(3).
        self._clock = (~pid << 3) | 2
        self._seen_s = 0.0

    def read_s(self) -> float:
        """Return the seconds used so far; once the process is gone, the last value seen."""
        with suppress(OSError):
            self._seen_s = max(self._seen_s, time.clock_gettime(self._clock))
        return self._seen_s


class Pipes:
    """The three pipes between judge and worker. Everything opened is closed, whatever happens in between."""

    def __init__(self) -> None:
        self.child_ask, self.ask = os.pipe()
        self.answer, self.child_answer = os.pipe()
        self.log, self.child_log = os.pipe()

    def close_child_ends(self) -> None:
        """Close the ends that the started process now holds."""
        for descriptor in (self.child_ask, self.child_answer, self.child_log):
            os.close(descriptor)

    def close(self) -> None:
        """Close the judge's ends."""
        for descriptor in (self.ask, self.answer, self.log):
            os.close(descriptor)


class Awaited(Protocol):
    """What a worker's end is awaited by, as ``subprocess.Popen`` has it."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code, or minus its signal. Raises subprocess.TimeoutExpired where it still runs."""

    def kill(self) -> None:
        """End it for good, with what keeps it."""


class LocalProcess:
    """A confined worker that is our own child or grandchild. Implements ``SandboxProcess``.

    ``outer`` is what we started (bwrap, or the worker itself), ``pid`` the worker as the host sees it, ``shared`` the
    number that shared memory has in the worker: a child has it under the number it has here.
    """

    def __init__(self, outer: Awaited, pid: int, pipes: Pipes, shared: int | None = None, *, group: bool):
        self.outer = outer
        self.shared = shared
        self.pid = pid
        self.ask, self.answer, self.log = pipes.ask, pipes.answer, pipes.log
        self._pipes = pipes
        self._group = group
        self._clock = CpuClock(pid)
        self._pidfd = os.pidfd_open(pid)
        self._open = True

    def cpu_s(self) -> float:
        """Return the CPU seconds of the worker's own process; after its death the last value seen."""
        return self._clock.read_s()

    def kill(self) -> None:
        """Send SIGKILL to the whole tree. Safe to repeat, and from any thread, until ``close``."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            if self._group:
                os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def died(self, patience_s: float) -> int | None:
        """Wait for the worker to end by itself and return its exit code (128 + N for signal N), else None."""
        try:
            code = self.outer.wait(patience_s)
        except subprocess.TimeoutExpired:
            return None
        return code if code >= 0 else 128 - code

    def out_of_memory(self) -> bool:
        """Return False: its memory limit refuses an allocation, and never kills."""
        return False

    def close(self) -> None:
        """Kill what is left, wait for it and close every descriptor. Safe to repeat."""
        if not self._open:
            return
        self._open = False
        self.cpu_s()
        self.kill()
        try:
            # Killing bwrap first would leave its dead child to whoever is pid 1 here, who may never reap it.
            self.outer.wait(5.0)
        except subprocess.TimeoutExpired:
            self.outer.kill()
            self.outer.wait()
        finally:
            os.close(self._pidfd)
            self._pipes.close()


def refuse_gpus(name: str, limits: Limits) -> None:
    """Raise SandboxUnavailableError where GPUs are asked for, in a sandbox that hands out none."""
    if limits.gpus:
        raise SandboxUnavailableError(
            f"sandbox {name}: it hands out no GPUs, and limits.gpus is {limits.gpus}; use --sandbox docker"
        )


def control(message: Mapping[str, Any]) -> bytes:
    """Return ``message`` as the judge sends it: tag, length, marshalled dict."""
    payload = marshal.dumps(dict(message), _MARSHAL)
    return HEADER.pack(CONTROL, len(payload)) + payload


class Confinement(NamedTuple):
    """What the worker does to itself before it says that it is ready."""

    uid: int | None
    """User id to become; None keeps the one it was started with."""
    landlock: int = 0
    """Version of the kernel's landlock interface to wall files off with; 0 for none."""
    readable: tuple[str, ...] = ()
    """With landlock: the files and folders that stay readable. Nothing stays writable."""


def await_ready(
    process: SandboxProcess, limits: Limits, confinement: Confinement, code: bytes | None = None
) -> None:
    """Send the worker its code and its limits and wait until it has confined itself.

    ``code`` goes ahead of the limits: None for the worker's own, empty where the process has it already.

    Raises SandboxError with what the worker or its launcher said.
    """
    settings = {"limits": _rlimits(limits), "filter": sealed_filter(), **confinement._asdict()}
    handshake(process, settings, worker_code() if code is None else code)


class Talking(Protocol):
    """The pipes of a started worker, from the judge's side."""

    @property
    def ask(self) -> int:
        """Written to."""

    @property
    def answer(self) -> int:
        """Read."""

    @property
    def log(self) -> int:
        """Drained."""


def handshake(process: Talking, settings: Mapping[str, Any], code: bytes, wall_s: float = READY_WALL_S) -> None:
    """Send ``code`` and the worker's settings and wait for its word that it is ready. Raises SandboxError."""
    try:
        _write(process, code)
        _write(process, control(settings))
    except BrokenPipeError:
        pass
    ready, _, _ = select.select([process.answer], [], [], wall_s)
    if not ready:
        raise SandboxError(f"the sandbox did not come up within {wall_s:g} s")
    if os.read(process.answer, ANSWER.size) != ANSWER.pack(0, 0.0):
        raise SandboxError(f"the sandbox did not come up: {said(process.log)}")


def room_settings(uid: int | None, runner: CodeType | str) -> dict[str, Any]:
    """Return what makes a worker the runner of a room.

    Args:
        uid: user id that programs get; None keeps the one they have, which needs a process table of their own.
        runner: ``_runner`` as code for the same interpreter, or as text.
    """
    return {"room": runner, "uid": uid, "scratch": SCRATCH, "filter": program_filter()}


def said(log: int) -> str:
    """Return what stands in the log pipe, at most 1,000 characters on one line."""
    readable, _, _ = select.select([log], [], [], 0.2)
    text = os.read(log, 65536).decode(errors="replace") if readable else ""
    return " ".join(text.split())[:1000] or "it said nothing"


def private_uid(pid: int) -> int | None:
    """Return a user id nobody else has, for a worker started by root; None where we are not root.

    Where the id is not mapped in this user namespace (root of a container), 65534 is taken.
    """
    if os.geteuid() != 0:
        return None
    uid = _UID_BASE + pid
    with open("/proc/self/uid_map", encoding="ascii") as file:
        mapped = any(int(a) <= uid < int(a) + int(n) for a, _, n in (line.split() for line in file))
    return uid if mapped else 65534


def _write(process: Talking, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(process.ask, view) :]


def _rlimits(limits: Limits) -> dict[str, int]:
    if limits.memory_bytes < _LEAST_MEMORY_BYTES:
        raise ProblemError(
            f"limits.memory_bytes >= {_LEAST_MEMORY_BYTES} must hold, since Python alone maps some 30 MiB; "
            f"got {limits.memory_bytes}"
        )
    return {
        "RLIMIT_AS": limits.memory_bytes,
        # A backstop: the watchdog sees the CPU clock every 50 ms and speaks first.
        "RLIMIT_CPU": math.ceil(limits.total_cpu_s) + 2,
        "RLIMIT_FSIZE": SCRATCH_BYTES,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_NPROC": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_SIGPENDING": 64,
    }
