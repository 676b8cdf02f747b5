"""The ``bubblewrap`` sandbox: Linux namespaces by the ``bwrap`` program, with or without root."""

import json
import os
import select
import shutil
import subprocess
from functools import cache

from .._errors import SandboxError, SandboxUnavailableError
from .._problem import Limits
from ._interpreter import arguments, code_of, environment, worker_code
from ._kind import (
    READY_WALL_S,
    Confinement,
    LocalProcess,
    Pipes,
    Programs,
    Room,
    SandboxProcess,
    Worker,
    await_ready,
    handshake,
    private_uid,
    refuse_gpus,
    room_settings,
    said,
)
from ._root import INSTALL, prefix
from ._seccomp import launch_filter, program_filter, supported


class Bubblewrap:
    """A fresh root, network, process table and user for every candidate.

    Started by root it uses no user namespace: the worker keeps only the capabilities to change its user id,
    and drops to an id of its own. Started by anyone else the kernel must allow unprivileged user namespaces.
    """

    name = "bubblewrap"

    def available(self) -> str | None:
        """Return None where a worker starts here, else the reason in one sentence. Asked once a process."""
        return _reason()

    def describe(self) -> list[str]:
        """Return what this sandbox stops, and what it does not."""
        reason = self.available()
        if reason:
            return [f"not usable: {reason}"]
        user = (
            "the candidate runs as a user id that nobody else has"
            if os.geteuid() == 0
            else "the candidate runs as your own user id inside a user namespace of its own"
        )
        return [
            "stops: network, your files, other processes, environment, new processes, threads and sockets "
            "(namespaces, an empty read-only root, a system-call filter)",
            f"stops: privileges ({user}, without capabilities and without new ones)",
            "limits: memory, CPU seconds, wall seconds, file size, open files, output",
            "limits: a whole program (kinds program and command) may start processes and threads, to a number; CPU "
            "and memory are those of all of them together, looked at every 50 ms",
            "does not stop: reading this machine's shared libraries and Python's library (a whole program: its "
            "compilers and tools, and what /proc tells of processor and memory), the clock, and bugs in the kernel",
        ]

    def start(
        self, limits: Limits, cpu: int | None = None, room: Room | None = None, shared: int | None = None
    ) -> SandboxProcess:
        """Start a worker; see ``Sandbox.start``."""
        refuse_gpus(self.name, limits)
        reason = self.available()
        if reason:
            raise SandboxUnavailableError(f"sandbox bubblewrap: {reason}")
        return _start(limits, cpu, room or Worker(), shared)


@cache
def _reason() -> str | None:
    if shutil.which("bwrap") is None:
        return f"the program bwrap is not there; {INSTALL}"
    if not supported():
        return f"its system-call filter is written for x86_64 and aarch64, this is {os.uname().machine}"
    try:
        _start(Limits(), None, Worker()).close()
    except SandboxError as error:
        return (
            f"bwrap is there and does not work: {error}; where namespaces are refused, allow them (sysctl "
            "user.max_user_namespaces, kernel.unprivileged_userns_clone and "
            "kernel.apparmor_restrict_unprivileged_userns)"
        )
    return None


def _start(limits: Limits, cpu: int | None, room: Room, shared: int | None = None) -> LocalProcess:
    pipes = Pipes()
    info, child_info = os.pipe()
    rules, child_rules = os.pipe()
    # The reading end goes to the child; a filter of some 200 instructions fits any pipe.
    os.write(child_rules, launch_filter() if isinstance(room, Worker) else program_filter())
    os.close(child_rules)
    outer = None
    try:
        try:
            outer = subprocess.Popen(
                _command(child_info, rules, room),
                stdin=pipes.child_ask,
                stdout=pipes.child_answer,
                stderr=pipes.child_log,
                pass_fds=(child_info, rules) if shared is None else (child_info, rules, shared),
                env=environment(room.packages),
                cwd="/",
            )
            if cpu is not None:
                os.sched_setaffinity(outer.pid, {cpu})
        finally:
            for descriptor in (child_info, rules):
                os.close(descriptor)
            pipes.close_child_ends()
        pid = _inner_pid(info, pipes)
        process = LocalProcess(outer, pid, pipes, shared, group=False)
    except BaseException as error:
        if outer is not None:
            outer.kill()
            outer.wait()
        pipes.close()
        if isinstance(error, OSError):
            raise SandboxError(f"bwrap did not start: {error}") from error
        raise
    finally:
        os.close(info)
    try:
        if cpu is not None:
            os.sched_setaffinity(pid, {cpu})
        if isinstance(room, Programs):
            handshake(process, room_settings(private_uid(pid), code_of("_runner")), worker_code())
        else:
            await_ready(process, limits, Confinement(private_uid(pid)))
    except BaseException as error:
        process.close()
        if isinstance(error, OSError):
            raise SandboxError(f"the sandbox did not come up: {error}") from error
        raise
    return process


def _inner_pid(info: int, pipes: Pipes) -> int:
    """Return the worker's pid on the host, which ``bwrap`` tells before it runs it."""
    text = b""
    while b"}" not in text:
        if not select.select([info], [], [], READY_WALL_S)[0]:
            raise SandboxError(f"bwrap said nothing within {READY_WALL_S:g} s")
        more = os.read(info, 4096)
        if not more:
            raise SandboxError(f"bwrap ended at once: {said(pipes.log)}")
        text += more
    return int(json.loads(text)["child-pid"])


def _command(info: int, rules: int, room: Room) -> list[str]:
    command = [*prefix(room), "--info-fd", str(info), "--seccomp", str(rules), "--"]
    return command + arguments()
