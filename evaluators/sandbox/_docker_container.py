"""A warm container from the judge's side: its supervisor at the end of a socket, and one candidate at a time."""

import json
import marshal
import os
import select
import shutil
import socket
import struct
import tempfile
import threading
import time
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from .._errors import SandboxError, SandboxUnavailableError
from ._docker_engine import Shape, container_pid, launch, remove
from ._kind import READY_WALL_S, CpuClock, Pipes
from ._supervisor import MESSAGE_BYTES, PIPES

OLDEST_PYTHON = (3, 10)
SHARED = PIPES
"""Number of the descriptor of shared memory in a worker: the next one."""
_REPLY_WALL_S = 15.0
"""How long a supervisor may take: its own deadlines for stragglers and scratch together, and some."""
_UID_BASE = 2_000_000_000
_USES = 256
"""Candidates a container serves before it is replaced; each has a user id of its own."""
_MOST_IDLE = 3
"""Warm containers a process keeps: a judging process needs one, or one for each kind of room."""
_CREDENTIALS = struct.Struct("3i")
_LONGEST_PATH = 100
"""The kernel takes 107 bytes of a socket's path."""


class Birth(NamedTuple):
    """What a worker is forked with."""

    cpu: int | None
    environment: Mapping[str, str]
    path: Sequence[str]
    """Folders ahead of the standard library."""


class Container:
    """A running container and the socket to its supervisor. Made by ``Container.launch``.

    One thread at a time uses it, but for ``kill``.
    """

    def __init__(self, shape: Shape, name: str, pid: int, link: socket.socket):
        self.shape = shape
        self.name = name
        """The engine's id of it."""
        self.pid = pid
        """Of the supervisor, as this machine's process table shows it."""
        self.link = link
        self.uses = 0
        self.python: tuple[int, ...] = ()
        self._users: Sequence[tuple[int, int, int]] = ()
        self._exit: tuple[int, bool] | None = None
        self._closed = False

    @classmethod
    def launch(cls, shape: Shape) -> "Container":
        """Start a container and meet its supervisor.

        The socket is gone from the file system before any candidate runs. Raises SandboxUnavailableError or
        SandboxError.
        """
        outer = _meeting_folder()
        try:
            folder = os.path.join(outer, "m")
            os.mkdir(folder)
            # Root inside has no capability to pass by a mode; the folder above keeps everyone else out.
            os.chmod(folder, 0o711)
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                path = os.path.join(folder, "judge")
                listener.bind(path)
                os.chmod(path, 0o666)
                listener.listen(1)
                name = launch(shape, folder)
                try:
                    return cls._met(shape, name, listener)
                except BaseException:
                    remove(name)
                    raise
        finally:
            shutil.rmtree(outer, ignore_errors=True)

    @classmethod
    def _met(cls, shape: Shape, name: str, listener: socket.socket) -> "Container":
        listener.settimeout(READY_WALL_S)
        try:
            link, _ = listener.accept()
        except TimeoutError:
            raise SandboxError(f"the container's supervisor did not connect within {READY_WALL_S:g} s") from None
        try:
            pid, _, _ = _CREDENTIALS.unpack(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
            if pid == 0 or pid != container_pid(name):
                raise SandboxUnavailableError(
                    "sandbox docker: the engine's processes are not in this process table; run Speciate on the "
                    "machine of the engine, and not inside a container"
                )
            self = cls(shape, name, pid, link)
            link.setblocking(False)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._send(source_of("sandbox._supervisor"))
            self._send(source_of("_worker"))
            told = self._reply()
            self.python, self._users = tuple(told["python"]), told["users"]
        except BaseException:
            link.close()
            raise
        if self.python < OLDEST_PYTHON:
            self.close()
            raise SandboxUnavailableError(
                f"sandbox docker: expected Python {'.'.join(map(str, OLDEST_PYTHON))} or newer in the image, it has "
                f"{'.'.join(map(str, self.python))}; build it from another base"
            )
        return self

    @property
    def spent(self) -> bool:
        """Whether it has served all the candidates it may, or is closed."""
        return self._closed or self.uses >= _USES

    def start(self, pipes: Pipes, birth: Birth, shared: int | None = None) -> tuple[int, int]:
        """Fork a worker around the child's ends of ``pipes``; return its pid here and its user id inside.

        It has the descriptor ``shared`` under the number ``SHARED``.
        """
        uid = self._uid()
        self.uses += 1
        self._exit = None
        rights = array("i", [pipes.child_ask, pipes.child_answer, pipes.child_log])
        if shared is not None:
            rights.append(shared)
        self._send(marshal.dumps({"do": "start", "uid": uid, **birth._asdict()}, 4), rights)
        if not _ready(self.link, select.POLLIN, READY_WALL_S):
            raise SandboxError(f"the container started no worker within {READY_WALL_S:g} s")
        try:
            data, ancillary, _, _ = self.link.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
        except OSError as error:
            raise SandboxError(f"the container was lost: {error}") from None
        for level, kind, payload in ancillary:
            if data == b"hello" and level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                return int(_CREDENTIALS.unpack(payload)[0]), uid
        raise SandboxError("the container was lost before it started a worker")

    def kill(self) -> None:
        """Kill every process in it but the supervisor. From any thread."""
        with suppress(SandboxError):
            self._send(marshal.dumps({"do": "kill"}, 4))

    def exit(self, patience_s: float) -> tuple[int, bool] | None:
        """Return the worker's exit code and whether memory's limit killed it; None if it still runs then.

        Raises SandboxError where the container was lost.
        """
        if self._exit is None:
            told = self._reply(patience_s, may_be_late=True)
            if told is not None:
                self._exit = int(told["exit"]), bool(told["oom"])
        return self._exit

    def end(self) -> str:
        """Kill and clear away what the candidate left; return what could not be, or nothing.

        Raises SandboxError where the container was lost.
        """
        self._send(marshal.dumps({"do": "end"}, 4))
        deadline = time.monotonic() + _REPLY_WALL_S
        while True:
            told = self._reply(max(0.001, deadline - time.monotonic()))
            if "ended" in told:
                return str(told["ended"])

    def close(self, *, remove_now: bool = False) -> None:
        """Hang up: the supervisor exits, and the engine removes the container. Safe to repeat."""
        if not self._closed:
            self._closed = True
            self.link.close()
            if remove_now:
                remove(self.name)

    def _uid(self) -> int:
        """Return a user id that no other candidate on this machine has now, nor had before in this container."""
        wanted = _UID_BASE + self.pid * _USES + self.uses
        if any(first <= wanted < first + count for first, _, count in self._users):
            return wanted
        return 1000 + self.uses  # In a user namespace of the engine's ids are the namespace's own.

    def _send(self, data: bytes, rights: "array[int] | None" = None) -> None:
        extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if rights is not None else []
        try:
            if not _ready(self.link, select.POLLOUT, _REPLY_WALL_S):
                raise SandboxError(f"the container's supervisor heard nothing for {_REPLY_WALL_S:g} s")
            self.link.sendmsg([data], extra)
        except OSError as error:
            raise SandboxError(f"the container was lost: {error}") from None

    def _reply(self, patience_s: float = _REPLY_WALL_S, *, may_be_late: bool = False) -> Any:
        if not _ready(self.link, select.POLLIN, patience_s):
            if may_be_late:
                return None
            raise SandboxError(f"the container's supervisor said nothing for {patience_s:g} s")
        try:
            data = self.link.recv(MESSAGE_BYTES)
        except OSError as error:
            raise SandboxError(f"the container was lost: {error}") from None
        if not data:
            raise SandboxError("the container was lost: its supervisor is gone")
        try:
            return json.loads(data)
        except ValueError as error:
            raise SandboxError(f"the container's supervisor said something else than JSON: {error}") from None


class ContainedProcess:
    """A worker in a warm container. Implements ``SandboxProcess``.

    When it is closed the container is emptied and goes back to ``shelf``, unless it has to be replaced.
    """

    def __init__(self, container: Container, pid: int, pipes: Pipes, shelf: "Shelf"):
        self.pid = pid
        self.ask, self.answer, self.log = pipes.ask, pipes.answer, pipes.log
        self.shared: int | None = None
        self._pipes = pipes
        self._container = container
        self._shelf = shelf
        self._clock = CpuClock(pid)
        self._thread = threading.get_ident()
        self._breached = False
        self._open = True

    def cpu_s(self) -> float:
        """Return the CPU seconds of the worker's own process; after its death the last value seen."""
        return self._clock.read_s()

    def kill(self) -> None:
        """Send SIGKILL to everything in the container but its supervisor."""
        # Another thread's kill is the watchdog's: a limit was passed, and the container is not used again. A room
        # is only killed for a limit. A worker that gave no good answer has mostly ended by itself already.
        self._breached |= self._container.shape.whole or threading.get_ident() != self._thread
        if self._open:
            self._container.kill()

    def died(self, patience_s: float) -> int | None:
        """Wait for the worker to end by itself and return its exit code (128 + N for signal N), else None."""
        ended = self._container.exit(patience_s)
        return None if ended is None else ended[0]

    def out_of_memory(self) -> bool:
        """Return whether the container's memory limit killed the worker."""
        ended = self._container.exit(0.001)
        return ended is not None and ended[1]

    def close(self) -> None:
        """Empty the container, and put it back or have it replaced. Safe to repeat."""
        if not self._open:
            return
        self._open = False
        self.cpu_s()
        try:
            left = self._container.end()
        except SandboxError as error:
            left = str(error)
        finally:
            self._pipes.close()
        if left:
            self._container.close(remove_now=True)
        elif self._breached or self._container.spent:
            self._container.close()
        else:
            self._shelf.put(self._container)


class Shelf:
    """The warm containers of this process that no candidate is in. For any number of threads."""

    def __init__(self) -> None:
        self._idle: list[Container] = []
        self._lock = threading.Lock()

    def take(self, shape: Shape) -> Container:
        """Return an empty container, warm if there is one. Raises SandboxUnavailableError or SandboxError."""
        with self._lock:
            for container in reversed(self._idle):
                if container.shape == shape:
                    self._idle.remove(container)
                    return container
        return Container.launch(shape)

    def put(self, container: Container) -> None:
        """Give an emptied container back. The one that waited longest makes room where there are many."""
        with self._lock:
            self._idle.append(container)
            surplus = self._idle.pop(0) if len(self._idle) > _MOST_IDLE else None
        if surplus is not None:
            surplus.close()

    def idle(self) -> list[Container]:
        """Return the containers that wait."""
        with self._lock:
            return list(self._idle)

    def release(self) -> None:
        """Close the containers that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for container in idle:
            container.close()

    def forget(self) -> None:
        """After a fork: the containers are the parent's, and this copy of their sockets must not keep them."""
        self._lock = threading.Lock()
        self.release()


def _ready(link: socket.socket, event: int, patience_s: float) -> bool:
    poller = select.poll()
    poller.register(link, event)
    return bool(poller.poll(patience_s * 1000.0))


def _meeting_folder() -> str:
    """Return a new private folder, with a path short enough for a socket."""
    folder = tempfile.mkdtemp(prefix="speciate-")
    if len(folder) <= _LONGEST_PATH - len("/m/judge"):
        return folder
    os.rmdir(folder)
    return tempfile.mkdtemp(prefix="speciate-", dir="/tmp")


@cache
def source_of(module: str) -> bytes:
    """Return the text of one of our modules: the image's Python may be another than ours."""
    name = f"{__package__.rpartition('.')[0]}.{module}"
    spec = find_spec(name)
    loader = getattr(spec, "loader", None)
    if loader is None or not hasattr(loader, "get_source"):
        raise ImportError(f"{name} has no source to send; expected an ordinary module")
    data = str(loader.get_source(name)).encode()
    if len(data) > MESSAGE_BYTES:
        raise ImportError(f"{name} is too long to send: {len(data)} bytes, at most {MESSAGE_BYTES}")
    return data
