"""Process 1 of a warm container: forks a worker for every candidate, and cleans up after it.

Nothing of this project is in the image: the judge sends this module's source, and the workers', through a
unix socket when the container starts. It needs the standard library of Python 3.10 or newer and no more.

The judge may send (marshalled, with descriptors attached; what it is told is JSON):

- ``start``: fork a worker around three pipe ends, and memory that it shares with the judge where there is some. The
  child itself says hello, so that the kernel tells the judge its pid; a confined worker then serves those pipes.
- ``kill``: kill everything but this process. Not answered.
- ``end``: the same, then reap, empty the scratch folder, and answer whether the container is as it was.

Unasked it reports the end of the worker. It runs as the container's root with the capabilities to change user
ids and to kill, and as process 1 it inherits every orphan: when it has no child left, there is no process left.
When the judge hangs up it exits, and the container with it.
"""

from __future__ import annotations

import _ctypes
import json
import marshal
import os
import resource  # noqa: F401 - loaded once here, and not by every worker
import select
import signal
import socket
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

SCRATCH = "/tmp"
WRITABLE = (SCRATCH, "/dev/shm")
"""All the folders a candidate may write to; the second is there for whole programs only."""
MESSAGE_BYTES = 128 << 10
PIPES = 3
"""Descriptors of a worker; memory that it shares with the judge comes behind them."""
_MOST_FILES = 4096
_END_WALL_S = 5.0
_SET_DUMPABLE = 4
_OOM_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


class Supervisor:
    """The state of one container: at most one candidate at a time."""

    def __init__(self, link: socket.socket, worker: Callable[[], None]):
        self.link = link
        self.worker = worker
        self.child = 0
        """Pid of the worker, kept unreaped until ``end`` so that nobody else gets the number."""
        self.over = False
        self.uid = 0
        self.oom_kills = _oom_kills()
        self.wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def run(self) -> None:
        """Serve the judge until it hangs up."""
        poller = select.poll()
        poller.register(self.link, select.POLLIN)
        poller.register(self.wake, select.POLLIN)
        while True:
            for descriptor, _ in poller.poll():
                if descriptor == self.wake:
                    os.read(self.wake, 4096)
                elif not self._obey():
                    return
            self._reap()

    def _obey(self) -> bool:
        message, descriptors = _received(self.link)
        if message is None:
            return False
        if message["do"] == "start":
            self._start(message, descriptors)
        elif message["do"] == "kill":
            _kill_all()
        elif message["do"] == "end":
            self._end()
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _start(self, message: Mapping[str, Any], descriptors: list[int]) -> None:
        self.uid = message["uid"]
        self.over = False
        self.oom_kills = _oom_kills()
        self.child = os.fork()
        if self.child == 0:
            try:
                self._become_worker(message, descriptors)
            finally:
                os._exit(1)

    def _become_worker(self, message: Mapping[str, Any], descriptors: list[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.link.send(b"hello")
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.closerange(len(descriptors), _MOST_FILES)
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")  # Where memory ends, the candidate goes and not its supervisor.
        if message["cpu"] is not None:
            os.sched_setaffinity(0, {message["cpu"]})
        os.environ.update(message["environment"])
        sys.path[:0] = message["path"]
        os.chdir(SCRATCH)
        self.worker()

    def _reap(self) -> None:
        """Report the worker's end once; reap every orphan that became ours."""
        while self.child and not self.over:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if ended.si_pid != self.child:
                os.waitpid(ended.si_pid, 0)
                continue
            self.over = True
            code = ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status
            self._tell({"exit": code, "oom": _oom_kills() > self.oom_kills})

    def _end(self) -> None:
        reason = _emptied_of_processes() or _emptied_of_files(self.uid)
        self.child = 0
        self._tell({"ended": reason})

    def _tell(self, message: Mapping[str, Any]) -> None:
        self.link.send(json.dumps(dict(message)).encode())


def _kill_all() -> None:
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # All but process 1, which is this one.


def _emptied_of_processes() -> str:
    """Kill and reap until this process is alone; return why that failed, or nothing."""
    deadline, pause_s = time.monotonic() + _END_WALL_S, 0.0001
    while time.monotonic() < deadline:
        _kill_all()
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, 0.05)
        except ChildProcessError:
            return ""
    return f"a process did not die within {_END_WALL_S:g} s of its kill"


def _emptied_of_files(uid: int) -> str:
    """Empty what can be written to as the user whose files they are; return why that failed, or nothing."""
    if not any(map(_entries, WRITABLE)):
        return ""
    cleaner = os.fork()
    if cleaner == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            for folder in filter(_entries, WRITABLE):
                _empty(folder)
        finally:
            os._exit(0)
    deadline = time.monotonic() + _END_WALL_S
    while os.waitpid(cleaner, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(cleaner, signal.SIGKILL)
        time.sleep(0.0002)
    return "the scratch folder could not be emptied" if any(map(_entries, WRITABLE)) else ""


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _empty(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                _empty(entry.path)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)


def _oom_kills() -> int:
    """Return how many processes the kernel has killed for this container's memory limit."""
    for path in _OOM_COUNTERS:
        try:
            with open(path, encoding="ascii") as file:
                for line in file:
                    name, _, number = line.partition(" ")
                    if name == "oom_kill":
                        return int(number)
        except OSError:
            continue
    return 0


def _received(link: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    data, ancillary, _, _ = link.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE((PIPES + 1) * 4))
    descriptors: list[int] = []
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors += memoryview(payload[: len(payload) // 4 * 4]).cast("i")
    return (marshal.loads(data) if data else None), descriptors


def _module(name: str, source: str) -> dict[str, Any]:
    """Run ``source`` as the main module, which is what a worker is everywhere else too."""
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    scope = module.__dict__
    scope["__name__"] = name
    exec(compile(source, f"{name}.py", "exec", dont_inherit=True), scope)
    return scope


def _close_to_others() -> None:
    library = _ctypes.dlopen("libc.so.6", os.RTLD_NOW)
    if _ctypes.call_function(_ctypes.dlsym(library, "prctl"), (_SET_DUMPABLE, 0, 0, 0, 0)) != 0:
        raise OSError("the kernel refused to make this process private")


def main(link: socket.socket) -> None:
    """Take the worker's source, say what this container is, and serve. Does not return."""
    try:
        _close_to_others()
        sys.path[:] = [path for path in sys.path if path]
        for name in set(os.environ) - {"PYTHONHASHSEED"}:
            del os.environ[name]
        worker = _module("worker", link.recv(MESSAGE_BYTES).decode())["main"]
        with open("/proc/self/uid_map", encoding="ascii") as file:
            users = [tuple(map(int, line.split())) for line in file]
        told = {"python": tuple(sys.version_info[:3]), "users": users}
        link.send(json.dumps(told).encode())
        Supervisor(link, worker).run()
    except BrokenPipeError:
        pass
    except (OSError, ValueError, LookupError, ImportError, SyntaxError, AttributeError, MemoryError) as error:
        os.write(2, f"supervisor: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(0)
