"""The ``process`` sandbox: hard limits and a system-call filter, and no walls around files."""

import os
import subprocess
from functools import cache

from .._errors import SandboxError, SandboxUnavailableError
from .._problem import Limits
from ._interpreter import ENVIRONMENT, arguments, reachable_by_others
from ._kind import Pipes, SandboxProcess, await_ready, private_uid
from ._seccomp import supported


class Process:
    """Resource limits, an empty environment, and no way to start processes or open sockets.

    It shares the machine's files, process table and network namespace with the judge. For code that is
    trusted to be merely wrong; never for code from a model, unless the user names it.
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
        if os.geteuid() != 0:
            files = "does not stop: reading, changing and deleting any file that you can"
        elif reachable_by_others():
            files = "does not stop: reading every file that all may read (it drops root for an unused id)"
        else:
            files = "does not stop: reading, changing and deleting ANY file, since it has to run as root here"
        return [
            "stops: new processes, threads, sockets, signals, ptrace (a system-call filter), the environment",
            "limits: memory, CPU seconds, wall seconds, file size, open files, output",
            files,
            "does not stop: seeing the machine's processes in /proc; it is not a security boundary",
        ]

    def start(self, limits: Limits, cpu: int | None = None) -> SandboxProcess:
        """Start a worker; see ``Sandbox.start``."""
        reason = self.available()
        if reason:
            raise SandboxUnavailableError(f"sandbox process: {reason}")
        return _start(limits, cpu)


@cache
def _reason() -> str | None:
    if not supported() or not hasattr(os, "pidfd_open"):
        return f"it needs Linux on x86_64 or aarch64, this is {os.uname().sysname} on {os.uname().machine}"
    try:
        _start(Limits(), None).close()
    except SandboxError as error:
        return str(error)
    return None


def _start(limits: Limits, cpu: int | None) -> SandboxProcess:
    pipes = Pipes()
    try:
        try:
            outer = subprocess.Popen(
                arguments(),
                stdin=pipes.child_ask,
                stdout=pipes.child_answer,
                stderr=pipes.child_log,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        finally:
            pipes.close_child_ends()
    except OSError as error:
        pipes.close()
        raise SandboxError(f"Python did not start: {error}") from error
    process = SandboxProcess(outer, outer.pid, pipes, group=True)
    try:
        if cpu is not None:
            os.sched_setaffinity(outer.pid, {cpu})
        await_ready(process, limits, private_uid(outer.pid) if reachable_by_others() else None)
    except BaseException as error:
        process.close()
        if isinstance(error, OSError):
            raise SandboxError(f"the sandbox did not come up: {error}") from error
        raise
    return process
