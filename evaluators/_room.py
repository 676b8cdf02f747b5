"""One command in a room, judge's side: send the order, watch the whole tree, read and check the reply."""

import os
import select
import signal
import time
from collections.abc import Mapping
from typing import NamedTuple

from ._contract import Cost, Status
from ._errors import CandidateFault, ProblemError, SandboxError
from ._link import write_all
from ._problem import Limits
from ._runner import CROWD, DEPTH, ENDED, FILE, FLOOD, NOT_STARTED, REPLY, STDERR_BYTES, TOO_LARGE, WALL
from ._tree import Census, census, shared_out_bytes
from .sandbox import Programs, Sandbox, SandboxProcess
from .sandbox._interpreter import ONE_THREAD, PACKAGES, PROGRAMS
from .sandbox._kind import PROGRAM_SCRATCH_BYTES, SCRATCH, control, said

WORK = f"{SCRATCH}/work"
"""Where a room has the files of an order."""
FILES_MOST = 4096
"""Files that a command may leave, and that its scratch folder may hold while it runs."""
OUTPUT_FILES_BYTES = 32 << 20
"""Of all files that are taken out of a room."""
_POLL_MS = 50
_GRACE_S = 5.0
"""How much longer than its wall seconds a command may take before the judge itself ends the room."""
_PATH_BYTES = 4096


class File(NamedTuple):
    """A file that goes into a room, or comes out of one."""

    content: bytes
    executable: bool = False


class Order(NamedTuple):
    """What is to be run in a room."""

    command: tuple[str, ...]
    files: Mapping[str, File]
    """By path below ``WORK``."""
    stdin: bytes = b""
    environment: Mapping[str, str] = {}
    """Beside PATH, HOME, LANG, TMPDIR and PYTHONHASHSEED."""
    wanted: tuple[str, ...] | None = ()
    """Paths of the files to take out; None for all."""
    wall_s: float = 30.0
    wall_limit: str = "wall_s"
    """Name of the limit that ``wall_s`` is."""
    cpu_s: float = 15.0
    processes: int = 64
    """Processes and threads at one time."""
    folder: str | None = None
    """Where the command starts; None for the folder of ``files``, which is ``WORK``."""


class Finished(NamedTuple):
    """How a command ended that ended well."""

    stdout: bytes
    stderr: str
    """At most 8 KiB: where there is more, its beginning and its end."""
    exit_code: int
    cpu_s: float
    """Of the command and of everything it started."""
    wall_s: float
    peak_bytes: int
    """Resident memory of its largest process."""
    files: Mapping[str, File]
    """Those that were wanted and are there: regular files only."""

    @property
    def text(self) -> str:
        """``stdout`` as UTF-8; what is not UTF-8 becomes U+FFFD."""
        return self.stdout.decode(errors="replace")


class Rooms:
    """Where one candidate's commands are carried out, each in a fresh room, and what they have cost so far.

    Args:
        limits: of one command, and (``total_wall_s``, ``total_cpu_s``) of all together.
        sandbox: where rooms are started.
        cpu: core that commands are pinned to.
    """

    def __init__(self, limits: Limits, sandbox: Sandbox, cpu: int | None = None):
        self.limits = limits
        self.cost = Cost()
        self._sandbox = sandbox
        self._cpu = cpu

    @property
    def wall_s(self) -> float:
        """Wall seconds that the next command may take."""
        return max(0.0, min(self.limits.wall_s, self.limits.total_wall_s - self.cost.wall_s))

    @property
    def cpu_s(self) -> float:
        """CPU seconds that the next command may use."""
        return max(0.0, min(self.limits.cpu_s, self.limits.total_cpu_s - self.cost.cpu_s))

    def carry_out(self, order: Order, room: Programs) -> Finished:
        """Run ``order`` in a fresh room and return how it ended.

        Raises CandidateFault for any end but exit code 0, SandboxError where the room failed, ProblemError where
        the command is not there, SandboxUnavailableError where the sandbox has no rooms.
        """
        _check(order)
        started = time.monotonic()
        process = self._sandbox.start(self.limits, self._cpu, room)
        watch = _Watch(process, order, self.limits)
        try:
            try:
                write_all(process.ask, control(_message(order, self.limits, room)))
            except BrokenPipeError:
                raise SandboxError(f"the room ended before its order: {said(process.log)}") from None
            watch.until_reply()
            return _finished(watch, order, self.limits)
        finally:
            cpu_s = process.cpu_s() + watch.cpu_s
            process.close()
            self.cost += Cost(cpu_s=cpu_s, wall_s=time.monotonic() - started, decisions=1)


def check_path(path: str) -> None:
    """Raise ValueError for what is not the plain relative path of a file: absolute, with ``..``, empty."""
    parts = path.split("/")
    long = len(path.encode(errors="surrogateescape")) > _PATH_BYTES
    if long or len(parts) > DEPTH or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ValueError(f"expected the path of a file below its folder, without '..', got {path[:200]!r}")


def _check(order: Order) -> None:
    for path in (*order.files, *(order.wanted or ())):
        check_path(path)
    size = len(order.stdin) + sum(len(file.content) for file in order.files.values())
    if size > PROGRAM_SCRATCH_BYTES // 2:
        raise ValueError(f"stdin and files may have {PROGRAM_SCRATCH_BYTES // 2} bytes together, they have {size}")


def _message(order: Order, limits: Limits, room: Programs) -> dict[str, object]:
    environment = {
        "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        "LANG": "C",
        "PYTHONHASHSEED": "0",
        **({"PYTHONPATH": PACKAGES, **ONE_THREAD} if room.packages else {}),
        **order.environment,
    }
    return {
        "files": {path: (file.executable, file.content) for path, file in order.files.items()},
        "argv": list(order.command),
        "folder": order.folder,
        "stdin": order.stdin,
        "environment": environment,
        "wanted": None if order.wanted is None else list(order.wanted),
        "wall_s": order.wall_s,
        "output_bytes": limits.output_bytes,
        "files_most": FILES_MOST,
        "files_bytes": OUTPUT_FILES_BYTES,
        "limits": {
            # Not RLIMIT_AS: many runtimes reserve address space that they never use.
            "RLIMIT_DATA": limits.memory_bytes,
            "RLIMIT_CPU": int(order.cpu_s) + 2,
            "RLIMIT_FSIZE": PROGRAM_SCRATCH_BYTES,
            "RLIMIT_NOFILE": 256,
            "RLIMIT_NPROC": order.processes,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
            "RLIMIT_SIGPENDING": 64,
        },
    }


class _Watch:
    """Holds the tree to its limits while a reply is awaited; the runner's own deadline is the first line."""

    def __init__(self, process: SandboxProcess, order: Order, limits: Limits):
        self.process = process
        self.order = order
        self.limits = limits
        self.log = b""
        self.before = census(process.pid)
        process.cpu_s()  # The runner may be gone when it is asked for at the end; then this was its last word.
        self.peak_bytes = 0
        self.cpu_s = 0.0
        """Of the command and all it started, as last seen."""
        self.started = time.monotonic()

    def until_reply(self) -> None:
        """Return when the reply begins or the room has ended. Raises CandidateFault at a limit."""
        poller = select.poll()
        poller.register(self.process.answer, select.POLLIN)
        poller.register(self.process.log, select.POLLIN)
        while True:
            for descriptor, _ in poller.poll(_POLL_MS):
                if descriptor == self.process.answer:
                    return
                more = os.read(self.process.log, 65536)
                self.log = (self.log + more)[-STDERR_BYTES:]
                if not more:
                    poller.unregister(descriptor)
            fault = self._passed(census(self.process.pid))
            if fault is not None:
                self.process.kill()
                raise fault

    def _passed(self, now: Census) -> CandidateFault | None:
        order = self.order
        self.peak_bytes = max(self.peak_bytes, now.resident_bytes)
        if time.monotonic() - self.started > order.wall_s + _GRACE_S:
            return _late(order)
        self.cpu_s = max(self.cpu_s, now.cpu_s - self.before.cpu_s)
        if self.cpu_s > order.cpu_s:
            return _busy(order)
        if now.threads > order.processes + 1:
            return CandidateFault(Status.CRASHED, f"started more than {order.processes} processes and threads")
        if now.resident_bytes > self.limits.memory_bytes:
            shared = shared_out_bytes(now.pids)
            if shared is None or shared > self.limits.memory_bytes:
                return _full(self.limits)
        return None

    def read(self, size: int) -> bytes:
        """Read exactly ``size`` bytes of the reply. Raises SandboxError where they do not come."""
        data = bytearray()
        while len(data) < size:
            ready, _, _ = select.select([self.process.answer], [], [], _GRACE_S)
            more = os.read(self.process.answer, min(size - len(data), 1 << 20)) if ready else b""
            if not more:
                told = " ".join(self.log.decode(errors="replace").split()) or said(self.process.log)
                raise SandboxError(f"the room ended without a reply: {told}")
            data += more
        return bytes(data)


def _finished(watch: _Watch, order: Order, limits: Limits) -> Finished:
    how, status, cpu_s, wall_s, peak_bytes, out_size, error_size, count = REPLY.unpack(watch.read(REPLY.size))
    if out_size > limits.output_bytes or error_size > STDERR_BYTES or count > FILES_MOST:
        raise SandboxError(f"the room's reply is malformed: {out_size=} {error_size=} {count=}")
    watch.cpu_s = cpu_s
    stdout = watch.read(out_size)
    stderr = watch.read(error_size).decode(errors="replace")
    if how != ENDED:
        raise _ended_otherwise(how, stderr, order, limits)
    if cpu_s > order.cpu_s:
        raise _busy(order)
    if status != 0:
        raise _failed(status, stderr, watch, limits)
    files: dict[str, File] = {}
    left = OUTPUT_FILES_BYTES
    for _ in range(count):
        path_size, executable, size = FILE.unpack(watch.read(FILE.size))
        left -= size
        if left < 0 or path_size > _PATH_BYTES:
            raise SandboxError("the room's reply is malformed: more in files than was asked for")
        path = watch.read(path_size).decode(errors="surrogateescape")
        content = watch.read(size)
        if order.wanted is None or path in order.wanted:
            files[path] = File(content, bool(executable))
    return Finished(stdout, stderr, status, cpu_s, wall_s, peak_bytes, files)


def _ended_otherwise(how: int, stderr: str, order: Order, limits: Limits) -> Exception:
    if how == WALL:
        return _late(order)
    if how == FLOOD:
        detail = f"printed more than the {limits.output_bytes} bytes allowed to stdout and stderr"
        return CandidateFault(Status.OUTPUT_LIMIT, detail)
    if how == CROWD:
        return CandidateFault(Status.OUTPUT_LIMIT, f"made more than the {FILES_MOST} files allowed")
    if how == TOO_LARGE:
        return CandidateFault(Status.OUTPUT_LIMIT, stderr)
    kind, _, reason = stderr.partition(": ")
    if how != NOT_STARTED or kind != "LookupError":
        return SandboxError(f"the room could not start a program: {stderr}")
    if "/" in order.command[0]:
        return CandidateFault(Status.CRASHED, reason)
    return ProblemError(f"{reason} in the sandbox; install it on this machine, or in the sandbox's image")


def _failed(status: int, stderr: str, watch: _Watch, limits: Limits) -> CandidateFault:
    last = stderr.rstrip().rpartition("\n")[2]
    told = f"\n{clipped(stderr.strip())}" if stderr.strip() else ""
    if status == -signal.SIGXCPU:
        return _busy(watch.order)
    if status == -signal.SIGXFSZ:
        return CandidateFault(Status.OUTPUT_LIMIT, f"wrote a file of more than {PROGRAM_SCRATCH_BYTES} bytes")
    # What a program says of its own death only chooses between two words for a failure.
    if last.startswith("MemoryError") or "std::bad_alloc" in stderr:
        return CandidateFault(Status.OOM, f"out of memory ({limits.memory_bytes >> 20} MiB allowed){told}")
    if status == -signal.SIGKILL and watch.peak_bytes > limits.memory_bytes * 0.8:
        return _full(limits)
    ended = f"ended with exit code {status}" if status > 0 else f"died of {signal_name(-status)}"
    return CandidateFault(Status.CRASHED, ended + told)


def clipped(text: str, most: int = 3000) -> str:
    """Return ``text``, or its beginning and its end where it is longer than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most // 2]}\n ... \n{text[-most // 2 :]}"


def signal_name(number: int) -> str:
    """Return ``SIGSEGV`` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _late(order: Order) -> CandidateFault:
    detail = f"not finished within {order.wall_s:g} wall seconds"
    return CandidateFault(Status.TIMEOUT, detail, limit=order.wall_limit, after_s=order.wall_s)


def _busy(order: Order) -> CandidateFault:
    detail = f"used more than {order.cpu_s:g} CPU seconds, with all that it started"
    return CandidateFault(Status.TIMEOUT, detail, limit="cpu_s", after_s=order.cpu_s)


def _full(limits: Limits) -> CandidateFault:
    allowed = limits.memory_bytes >> 20
    return CandidateFault(Status.OOM, f"used more than the {allowed} MiB of memory allowed, with all that it started")
