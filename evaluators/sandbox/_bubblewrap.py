"""The ``bubblewrap`` sandbox: Linux namespaces by the ``bwrap`` program, with or without root."""

import json
import os
import select
import shutil
import socket
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
from ._nurseries import Nursery, idle_nursery
from ._root import INSTALL, prefix
from ._seccomp import launch_filter, program_filter, supported

_LOAD_WALL_S = 240.0
"""In which a nursery's modules load, on a busy machine too: torch takes three CPU seconds, but on one core."""


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
    if isinstance(room, Worker) and room.loaded:
        process = (idle_nursery(room) or _nursery(room)).worker(shared)
        code = b""
    else:
        pipes = Pipes()
        outer, pid = _launched(room, pipes, cpu, () if shared is None else (shared,))
        process = LocalProcess(outer, pid, pipes, shared, group=False)
        code = worker_code()
    try:
        if cpu is not None:
            os.sched_setaffinity(process.pid, {cpu})
        uid = private_uid(process.pid)
        if isinstance(room, Programs):
            handshake(process, room_settings(uid, code_of("_runner")), code)
        else:
            await_ready(process, limits, Confinement(uid), code)
    except BaseException as error:
        process.close()
        if isinstance(error, OSError):
            raise SandboxError(f"the sandbox did not come up: {error}") from error
        raise
    return process


def _launched(
    room: Room, pipes: Pipes, cpu: int | None, passed: tuple[int, ...]
) -> tuple["subprocess.Popen[bytes]", int]:
    """Start ``bwrap`` around the child's ends of ``pipes``; return it and the pid of the worker that it runs."""
    info, child_info = os.pipe()
    rules, child_rules = os.pipe()
    # The reading end goes to the child; a filter of some 200 instructions fits any pipe.
    sealed = isinstance(room, Worker) and not room.loaded
    os.write(child_rules, launch_filter() if sealed else program_filter())
    os.close(child_rules)
    outer = None
    try:
        try:
            outer = subprocess.Popen(
                _command(child_info, rules, room),
                stdin=pipes.child_ask,
                stdout=pipes.child_answer,
                stderr=pipes.child_log,
                pass_fds=(child_info, rules, *passed),
                env={**environment(room.packages), **(dict(room.environment) if isinstance(room, Worker) else {})},
                cwd="/",
            )
            if cpu is not None:
                os.sched_setaffinity(outer.pid, {cpu})
        finally:
            for descriptor in (child_info, rules):
                os.close(descriptor)
            pipes.close_child_ends()
        return outer, _inner_pid(info, pipes)
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


def _nursery(room: Worker) -> Nursery:
    """Start a process that loads what ``room`` asks for, which takes seconds, and then forks workers."""
    link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pipes = Pipes()
    with theirs:
        outer, _ = _launched(room, pipes, None, (theirs.fileno(),))
        nursery = Nursery(room, outer, pipes, link)
        settings = {"room": code_of("_nursery"), "loaded": room.loaded, "link": theirs.fileno()}
        try:
            handshake(pipes, settings, worker_code(), _LOAD_WALL_S)
        except BaseException as error:
            nursery.close()
            if isinstance(error, OSError):
                raise SandboxError(f"the sandbox did not come up: {error}") from error
            raise
    return nursery


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
