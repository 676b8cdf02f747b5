"""Nurseries from the judge's side: each forks one worker at a time, and waits for the next judging of its thread."""

import os
import select
import signal
import socket
import struct
import subprocess
import threading
import weakref
from array import array

from .._errors import SandboxError
from .._nursery import ENDED, HELLO, MOST_PASSED
from ._kind import READY_WALL_S, LocalProcess, Pipes, Worker

SHARED = MOST_PASSED - 1
"""Number of the descriptor of shared memory in a worker: behind its pipes."""
_MOST_IDLE = 4
"""Nurseries that a thread keeps; two rooms are used by turns."""
_CREDENTIALS = struct.Struct("3i")


class Nursery:
    """A started process that has loaded modules, and forks workers. For the thread that started it.

    Args:
        room: the workers' root, and what is loaded.
        outer: what was started; it ends when it is killed, or when ``link`` is closed.
        pipes: to it.
        link: the judge's end of the socket on which it hears of workers to fork.
    """

    def __init__(self, room: Worker, outer: "subprocess.Popen[bytes]", pipes: Pipes, link: socket.socket):
        self.room = room
        self.link = link
        link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._outer = outer
        self.close = weakref.finalize(self, _ended, outer, pipes, link)
        """End it. Safe to repeat; done by itself when nobody holds it any more."""

    @property
    def alive(self) -> bool:
        """Whether it can still fork."""
        return self.close.alive and self._outer.poll() is None

    def worker(self, shared: int | None) -> LocalProcess:
        """Fork a worker that shares the descriptor ``shared`` with the judge. Raises SandboxError."""
        pipes = Pipes()
        rights = array("i", [pipes.child_ask, pipes.child_answer, pipes.child_log])
        if shared is not None:
            rights.append(shared)
        try:
            try:
                self.link.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            finally:
                pipes.close_child_ends()
            pid = self._hello()
            return LocalProcess(_Child(self), pid, pipes, None if shared is None else SHARED, group=False)
        except BaseException as error:
            pipes.close()
            self.close()
            if isinstance(error, OSError):
                raise SandboxError(f"the process that forks workers was lost: {error}") from error
            raise

    def _hello(self) -> int:
        """Return the new worker's pid, as this machine's process table shows it."""
        if select.select([self.link], [], [], READY_WALL_S)[0]:
            data, ancillary, _, _ = self.link.recvmsg(len(HELLO), socket.CMSG_SPACE(_CREDENTIALS.size))
            for level, kind, payload in ancillary:
                if data == HELLO and level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    return int(_CREDENTIALS.unpack(payload)[0])
        raise SandboxError(f"the process that forks workers started none within {READY_WALL_S:g} s")


class _Child:
    """Awaits the end of a nursery's worker; with it the nursery is free for the next."""

    def __init__(self, nursery: Nursery):
        self._nursery = nursery
        self._idle = _shelf.idle
        self._code: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code, or minus its signal. Raises subprocess.TimeoutExpired where it still runs."""
        if self._code is None:
            self._code = self._told(timeout)
        return self._code

    def _told(self, timeout: float | None) -> int:
        nursery, idle = self._nursery, self._idle
        if not select.select([nursery.link], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        told = nursery.link.recv(ENDED.size)
        if len(told) != ENDED.size:
            # The nursery is gone, and its worker has died with it.
            nursery.close()
            return -signal.SIGKILL
        idle.append(nursery)
        if len(idle) > _MOST_IDLE:
            idle.pop(0).close()
        return int(ENDED.unpack(told)[0])

    def kill(self) -> None:
        """End the nursery, and the worker with it."""
        self._nursery.close()
        self._code = -signal.SIGKILL


class _Shelf(threading.local):
    """The nurseries of a thread that keep no worker now: they end with it."""

    def __init__(self) -> None:
        self.idle: list[Nursery] = []


_shelf = _Shelf()


def idle_nursery(room: Worker) -> Nursery | None:
    """Return a nursery of this thread for ``room`` that keeps no worker now; None where there is none."""
    idle = _shelf.idle
    idle[:] = [each for each in idle if each.alive]
    found = next((each for each in idle if each.room == room), None)
    if found is not None:
        idle.remove(found)
    return found


def release() -> None:
    """End the nurseries of this thread that keep no worker."""
    while _shelf.idle:
        _shelf.idle.pop().close()


def _forget() -> None:
    """After a fork: they are the parent's, and this copy of their sockets must not keep them."""
    for each in _shelf.idle:
        each.close.detach()
        each.link.close()
    _shelf.idle.clear()


os.register_at_fork(after_in_child=_forget)


def _ended(outer: "subprocess.Popen[bytes]", pipes: Pipes, link: socket.socket) -> None:
    link.close()
    pipes.close()
    outer.kill()
    outer.wait()
