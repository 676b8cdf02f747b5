"""The ``process`` sandbox: hard limits, a system-call filter, and landlock where the kernel has it."""

import ctypes
import os
import subprocess
from functools import cache

from .._errors import SandboxError, SandboxUnavailableError
from .._problem import Limits
from ._interpreter import arguments, environment, mounts, packages, reachable_by_others
from ._kind import (
    Confinement,
    LocalProcess,
    Pipes,
    Programs,
    Room,
    SandboxProcess,
    Worker,
    await_ready,
    private_uid,
    refuse_gpus,
)
from ._seccomp import supported


class Process:
    """Resource limits, an empty environment, and no way to start processes or open sockets.

    It shares the machine's root, process table and network with the judge. For code that is trusted to be
    merely wrong; never for code from a model, unless the user names it.
    """

    name = "process"

    def available(self) -> str | None:
        """Return None where a worker starts here, else the reason in one sentence. Asked once a process."""
        return _reason()

    def describe(self) -> list[str]:
        """Return what this sandbox stops, and what it does not."""
        reason = self.available()
        if reason:
            return [f"not usable: {reason}"]
        if landlock_version():
            files = "stops: files, but for reading Python's own and the system's libraries (landlock)"
        elif os.geteuid() == 0 and reachable_by_others():
            files = "does not stop: reading every file that all may read (it drops root for an unused id)"
        elif os.geteuid() == 0:
            files = "does not stop: any file you can read or change"
        else:
            files = "does not stop: any file you can read or change, and through /proc the judge's own memory"
        return [
            "stops: new processes, threads, sockets, signals, ptrace (a system-call filter), the environment",
            files,
            "limits: memory, CPU seconds, wall seconds, file size, open files, output",
            "does not stop: whatever a single layer misses; it has no namespaces and is no security boundary",
        ]

    def start(
        self, limits: Limits, cpu: int | None = None, room: Room | None = None, shared: int | None = None
    ) -> SandboxProcess:
        """Start a worker; see ``Sandbox.start``."""
        refuse_gpus(self.name, limits)
        if isinstance(room, Programs):
            raise SandboxUnavailableError(
                "sandbox process: a whole program may start others, and with limits alone nothing would hold them; "
                "use bubblewrap or docker"
            )
        reason = self.available()
        if reason:
            raise SandboxUnavailableError(f"sandbox process: {reason}")
        return _start(limits, cpu, room or Worker(), shared)


@cache
def landlock_version() -> int:
    """Return the version of the kernel's landlock interface (5.13 and later); 0 where there is none."""
    create_ruleset, ask_version = 444, 1
    return max(0, int(ctypes.CDLL(None).syscall(create_ruleset, None, 0, ask_version)))


@cache
def _reason() -> str | None:
    if not supported() or not hasattr(os, "pidfd_open"):
        return f"it needs Linux on x86_64 or aarch64, this is {os.uname().sysname} on {os.uname().machine}"
    try:
        _start(Limits(), None, Worker()).close()
    except SandboxError as error:
        return str(error)
    return None


def _start(limits: Limits, cpu: int | None, room: Worker, shared: int | None = None) -> LocalProcess:
    pipes = Pipes()
    try:
        try:
            outer = subprocess.Popen(
                arguments(),
                stdin=pipes.child_ask,
                stdout=pipes.child_answer,
                stderr=pipes.child_log,
                env=_environment(room),
                pass_fds=() if shared is None else (shared,),
                cwd="/",
                start_new_session=True,
            )
        finally:
            pipes.close_child_ends()
    except OSError as error:
        pipes.close()
        raise SandboxError(f"Python did not start: {error}") from error
    process = LocalProcess(outer, outer.pid, pipes, shared, group=True)
    try:
        if cpu is not None:
            os.sched_setaffinity(outer.pid, {cpu})
        uid = private_uid(outer.pid) if reachable_by_others() else None
        readable = mounts().binds + (packages(room.extras) if room.packages else ())
        readable += ("/dev/urandom",) if "torch" in room.extras else ()
        await_ready(process, limits, Confinement(uid, landlock_version(), readable))
    except BaseException as error:
        process.close()
        if isinstance(error, OSError):
            raise SandboxError(f"the sandbox did not come up: {error}") from error
        raise
    return process


def _environment(room: Worker) -> dict[str, str]:
    # Nothing is mounted here, so the packages are where they are; landlock leaves only NumPy readable there.
    own = {**environment(room.packages), **dict(room.environment)}
    return {**own, "PYTHONPATH": os.path.dirname(packages()[0])} if room.packages else own
