"""The ``bubblewrap`` sandbox: Linux namespaces by the ``bwrap`` program, with or without root."""

import json
import os
import select
import shutil
import subprocess
from functools import cache

from .._errors import SandboxError, SandboxUnavailableError
from .._problem import Limits
from ._interpreter import ENVIRONMENT, arguments, mounts
from ._kind import (
    READY_WALL_S,
    SCRATCH_BYTES,
    Confinement,
    LocalProcess,
    Pipes,
    Programs,
    SandboxProcess,
    await_ready,
    private_uid,
    said,
)
from ._seccomp import launch_filter, supported

INSTALL = "install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"


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
            "does not stop: reading this machine's shared libraries and Python's library, the clock, "
            "and bugs in the kernel",
        ]

    def start(self, limits: Limits, cpu: int | None = None, room: Programs | None = None) -> SandboxProcess:
        """Start a worker; see ``Sandbox.start``."""
        if room is not None:
            raise SandboxUnavailableError("sandbox bubblewrap: it has no room for whole programs yet")
        reason = self.available()
        if reason:
            raise SandboxUnavailableError(f"sandbox bubblewrap: {reason}")
        return _start(limits, cpu)


@cache
def _reason() -> str | None:
    if shutil.which("bwrap") is None:
        return f"the program bwrap is not there; {INSTALL}"
    if not supported():
        return f"its system-call filter is written for x86_64 and aarch64, this is {os.uname().machine}"
    try:
        _start(Limits(), None).close()
    except SandboxError as error:
        return (
            f"bwrap is there and does not work: {error}; where namespaces are refused, allow them (sysctl "
            "user.max_user_namespaces, kernel.unprivileged_userns_clone and "
            "kernel.apparmor_restrict_unprivileged_userns)"
        )
    return None


def _start(limits: Limits, cpu: int | None) -> LocalProcess:
    pipes = Pipes()
    info, child_info = os.pipe()
    rules, child_rules = os.pipe()
    # The reading end goes to the child; a filter of some 200 instructions fits any pipe.
    os.write(child_rules, launch_filter())
    os.close(child_rules)
    outer = None
    try:
        try:
            outer = subprocess.Popen(
                _command(child_info, rules),
                stdin=pipes.child_ask,
                stdout=pipes.child_answer,
                stderr=pipes.child_log,
                pass_fds=(child_info, rules),
                env=ENVIRONMENT,
                cwd="/",
            )
            if cpu is not None:
                os.sched_setaffinity(outer.pid, {cpu})
        finally:
            for descriptor in (child_info, rules):
                os.close(descriptor)
            pipes.close_child_ends()
        pid = _inner_pid(info, pipes)
        process = LocalProcess(outer, pid, pipes, group=False)
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


def _command(info: int, rules: int) -> list[str]:
    command = [*_prefix(), "--info-fd", str(info), "--seccomp", str(rules), "--"]
    return command + arguments()


@cache
def _prefix() -> tuple[str, ...]:
    """Return ``bwrap`` and the options that do not change between candidates.

    ``--as-pid-1``: the worker cannot fork, so there is nothing to reap, and bwrap then tells the worker's own
    pid. Parents of mounts are made by hand because bwrap copies a mode of 0700, which would shut out the
    user id the worker drops to.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxUnavailableError(f"sandbox bubblewrap: the program bwrap is not there; {INSTALL}")
    namespaces = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() == 0:
        rights = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        rights = ["--unshare-user", "--cap-drop", "ALL"]
    command = [program, *namespaces, *rights, "--die-with-parent", "--new-session", "--as-pid-1"]
    command += ["--hostname", "sandbox"]
    needed = mounts()
    made: set[str] = set()
    for path in needed.binds:
        for parent in _parents(path):
            if parent not in made:
                made.add(parent)
                command += ["--perms", "0755", "--dir", parent]
        command += ["--ro-bind", path, path]
    for target, path in needed.links:
        command += ["--symlink", target, path]
    for path in needed.hidden:
        command += ["--perms", "0755", "--tmpfs", path, "--remount-ro", path]
    scratch = ["--chdir", "/"]
    if _sized_tmpfs(program):
        scratch = ["--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", "/tmp", "--chdir", "/tmp"]
    return (*command, *scratch, "--remount-ro", "/")


def _parents(path: str) -> list[str]:
    """Return the folders above ``path``, outermost first, without the root."""
    parts = path.strip("/").split("/")[:-1]
    return ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]


def _sized_tmpfs(program: str) -> bool:
    """Return whether this bwrap can limit a tmpfs (0.7 and later); without a limit there is no scratch."""
    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return "--size BYTES" in told.stdout
