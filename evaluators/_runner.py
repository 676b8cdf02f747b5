"""The runner of a room: starts one program as an unprivileged child, waits, and tells how it ended.

Sent to a worker as code, which it runs in its own namespace instead of confining itself; so the names that it
takes from the worker are imported only on the judge's side. It knows nothing of the project either.

The judge sends one order (tag 255, length, marshalled dict) and gets one reply of plain structs and bytes:
``REPLY``, what the program printed, stderr's beginning and end, and each file as ``FILE``, path and content. The
runner is out of the program's reach: not dumpable, and process 1 or of another user id. What the program left
running is killed and reaped before the reply, so the CPU seconds are those of the whole tree.
"""

from __future__ import annotations

import posix as os
import time
from _struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from ._worker import (
        _SET_DEATH_SIGNAL,
        _SET_DUMPABLE,
        _SET_NO_NEW_PRIVILEGES,
        ANSWER,
        OK,
        _control,
        confine,
        kernel,
    )

REPLY = Struct("=BiddQQII")
"""How it ended, its exit code or minus its signal, CPU and wall seconds, peak resident bytes of one process,
lengths of stdout and of what is told of stderr, number of files."""
FILE = Struct("=HBQ")
"""Length of the path, whether it may be executed, length of the content."""
ENDED, WALL, FLOOD, CROWD, NOT_STARTED, TOO_LARGE = range(6)
"""Ended by itself; killed for its wall seconds, for too much output, for too many files; its command does not
start; it left more bytes or files than asked for."""
STDERR_BYTES = 8192
DEPTH = 16
_TICK_MS = 50
_READ_BYTES = 1 << 16
_MOST_DESCRIPTORS = 4096
_CHILD_SUBREAPER = 36
_SIGINT, _SIGKILL, _SIGPIPE, _SIGCHLD, _SIGXFSZ = 2, 9, 13, 17, 25
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_PATH | os.O_DIRECTORY | _NO_LINK


def attend(ask: int, answer: int, settings: Mapping[str, Any]) -> None:
    """Say that the room is ready, carry out one order, and reply. Raises OSError where the room is at fault."""
    room = Room(ask, settings)
    room.close_to_others()
    os.write(answer, ANSWER.pack(OK, 0.0))
    reply = room.carry_out(_control(ask, b""))
    for part in reply:
        view = memoryview(part)
        while view:
            view = view[os.write(answer, view) :]


class Room:
    """The scratch folder, the user that programs are, and the clock of the one that runs."""

    def __init__(self, ask: int, settings: Mapping[str, Any]):
        self.ask = ask
        self.settings = settings
        self.uid: int | None = settings["uid"]
        self.scratch: str = settings["scratch"]
        self.work = f"{self.scratch}/work"
        self.call = kernel()
        self.cpu_s = 0.0
        self.peak_bytes = 0
        self.main = 0
        self.status: int | None = None
        self.kept = {"out": bytearray(), "error": bytearray()}
        self.counted = 0.0
        """When the files were last counted, on the monotonic clock."""
        self.wake = _woken_by_children()

    def close_to_others(self) -> None:
        """Make this process's memory unreadable, and its end the end of all it started."""
        if self.uid is None and os.getpid() != 1:
            raise OSError("a room needs either a process table or a user of its own")
        self.call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)
        self.call("prctl", _SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        self.call("prctl", _CHILD_SUBREAPER, 1, 0, 0, 0)
        self._die_with_parent()

    def _die_with_parent(self) -> None:
        self.call("prctl", _SET_DEATH_SIGNAL, _SIGKILL, 0, 0, 0)

    def carry_out(self, order: Mapping[str, Any]) -> Iterator[bytes]:
        """Run the order's command and return the reply in pieces."""
        self._own(True)
        given = self._prepared(order)
        self._own(False)
        started = time.monotonic()
        out, error, trouble = self._start(order, given)
        how = NOT_STARTED if trouble else self._watched(order, out, error, started)
        wall_s = time.monotonic() - started
        self._end_all()
        for name, descriptor in (("out", out), ("error", error)):
            if self._drained(descriptor, name, order["output_bytes"]) and how == ENDED:
                how = FLOOD
            os.close(descriptor)
        self._own(True)
        files: list[tuple[bytes, int, bytes]] = []
        if how == ENDED and self.status == 0:
            try:
                files = list(self._collected(order))
            except OverflowError as surplus:
                how, trouble = TOO_LARGE, str(surplus).encode()
        self._own(False)
        out_bytes = bytes(self.kept["out"]) if how == ENDED else b""
        said = trouble or bytes(self.kept["error"])
        sizes = len(out_bytes), len(said), len(files)
        yield REPLY.pack(how, self.status or 0, self.cpu_s, wall_s, self.peak_bytes, *sizes)
        yield out_bytes
        yield said
        for path, executable, content in files:
            yield FILE.pack(len(path), executable, len(content))
            yield path
            yield content

    def _own(self, theirs: bool) -> None:
        """Act as the program's user, whose files the runner otherwise may neither make nor read; or stop to."""
        if self.uid is None:
            return
        if theirs:
            os.setegid(self.uid)
            os.seteuid(self.uid)
        else:
            os.seteuid(0)
            os.setegid(0)
        self._die_with_parent()  # a change of user forgets it

    def _prepared(self, order: Mapping[str, Any]) -> int:
        """Write the files into a fresh folder and return a descriptor of what the program reads on stdin."""
        os.mkdir(self.work, 0o700)
        made = {self.work}
        for path, (executable, content) in order["files"].items():
            parts = path.split("/")
            if path.startswith("/") or any(part in ("", ".", "..") for part in parts):
                raise ValueError(f"not a path inside the folder: {path!r}")
            for depth in range(1, len(parts)):
                folder = f"{self.work}/{'/'.join(parts[:depth])}"
                if folder not in made:
                    os.mkdir(folder, 0o700)
                    made.add(folder)
            _write(f"{self.work}/{path}", 0o700 if executable else 0o600, content)
        name = f"{self.scratch}/stdin"
        _write(name, 0o600, order["stdin"])
        given = os.open(name, os.O_RDONLY | _NO_LINK)
        os.unlink(name)
        return given

    def _start(self, order: Mapping[str, Any], given: int) -> tuple[int, int, bytes]:
        """Start the command; return the ends of its stdout and stderr, and why it did not start."""
        out, child_out = os.pipe()
        error, child_error = os.pipe()
        told, child_told = os.pipe()
        self.main = os.fork()
        if self.main == 0:
            try:
                self._confine(order, (given, child_out, child_error, child_told))
                _execute(order["argv"], order["environment"])
            except BaseException as failure:  # noqa: BLE001 - the child's last word, whatever it is
                os.write(child_told, f"{type(failure).__name__}: {failure}"[:1000].encode(errors="replace"))
            finally:
                os._exit(127)
        for descriptor in (given, child_out, child_error, child_told):
            os.close(descriptor)
        trouble = b""
        while part := os.read(told, _READ_BYTES):
            trouble += part
        os.close(told)
        return out, error, trouble

    def _confine(self, order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        """In the child: give everything up that a program must not have."""
        import _signal  # type: ignore[import-not-found]

        os.setsid()
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
        os.closerange(3, descriptors[3])
        os.closerange(descriptors[3] + 1, _MOST_DESCRIPTORS)
        for number in (_SIGINT, _SIGPIPE, _SIGCHLD, _SIGXFSZ):
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, [])
        os.umask(0o077)
        _first_to_go()
        confine({"landlock": 0, "uid": self.uid, "limits": order["limits"], "filter": self.settings["filter"]})
        os.chdir(order["folder"] or self.work)

    def _watched(self, order: Mapping[str, Any], out: int, error: int, started: float) -> int:
        """Take what the program prints until it ends or passes a limit; return how that was."""
        import select

        poller = select.poll()
        names = {out: "out", error: "error"}
        for descriptor in (*names, self.ask, self.wake):
            poller.register(descriptor, select.POLLIN)
        for descriptor in names:
            os.set_blocking(descriptor, False)
        deadline = started + order["wall_s"]
        while True:
            left_ms = (deadline - time.monotonic()) * 1000
            for descriptor, _ in poller.poll(max(0.0, min(_TICK_MS, left_ms))):
                if descriptor == self.ask:
                    os._exit(0)  # The judge hung up; what we started goes with us.
                if descriptor == self.wake:
                    os.read(self.wake, _READ_BYTES)
                elif not self._take(descriptor, names[descriptor]):
                    poller.unregister(descriptor)
            self._reap()
            if self.status is not None:
                return ENDED
            passed = self._passed(order, deadline)
            if passed is not None:
                return passed

    def _passed(self, order: Mapping[str, Any], deadline: float) -> int | None:
        now = time.monotonic()
        if now > deadline:
            return WALL
        if self._printed() > order["output_bytes"]:
            return FLOOD
        if now > self.counted + _TICK_MS / 1000:
            self.counted = now
            if _crowded(self.scratch, order["files_most"]):
                return CROWD
        return None

    def _printed(self) -> int:
        return len(self.kept["out"]) + len(self.kept["error"])

    def _take(self, descriptor: int, name: str) -> bool:
        """Read once; False at the end."""
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return True
        self.kept[name] += data
        return bool(data)

    def _drained(self, descriptor: int, name: str, limit: int) -> bool:
        """Read what is left, whose writers are all dead; return whether all was more than ``limit``."""
        os.set_blocking(descriptor, True)
        while self._printed() <= limit and self._take(descriptor, name):
            pass
        flooded = self._printed() > limit
        if name == "error" and len(self.kept[name]) > STDERR_BYTES:
            half = STDERR_BYTES // 2 - 8
            self.kept[name][half:-half] = b"\n ... \n"
        return flooded

    def _reap(self, options: int = os.WNOHANG) -> None:
        """Reap what has ended, the program's orphans too, which are ours by now; without options wait for all."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, options)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.cpu_s += usage.ru_utime + usage.ru_stime
            self.peak_bytes = max(self.peak_bytes, usage.ru_maxrss << 10)
            if pid == self.main:
                self.status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def _end_all(self) -> None:
        """Kill everything of the program's user, and wait until it is gone: one call that no fork escapes."""
        self._own(True)
        _kill_all()
        self._own(False)
        self._reap(0)

    def _collected(self, order: Mapping[str, Any]) -> Iterator[tuple[bytes, int, bytes]]:
        """Return the files asked for, or all of them. Raises OverflowError for more than was allowed."""
        wanted: Sequence[str] | None = order["wanted"]
        left = order["files_bytes"]
        for count, path in enumerate(_tree(self.work, "", 0) if wanted is None else wanted):
            if count >= order["files_most"]:
                raise OverflowError(f"left more than {order['files_most']} files")
            found = _content(self.work, path, left)
            if found is None:
                continue
            executable, content = found
            left -= len(content)
            yield path.encode(errors="surrogateescape"), executable, content


def _kill_all() -> None:
    try:
        os.kill(-1, _SIGKILL)  # not this process, and not process 1
    except ProcessLookupError:
        return


def _write(path: str, mode: int, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, mode)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    os.close(descriptor)


def _first_to_go() -> None:
    """Where memory ends, the kernel is to take the program and not its runner."""
    try:
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    os.write(descriptor, b"1000")
    os.close(descriptor)


def _execute(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Become the command, found as a shell finds it. Raises LookupError where it cannot be started."""
    name = command[0]
    places = [name] if "/" in name else [f"{folder}/{name}" for folder in environment["PATH"].split(":")]
    for place in places:
        try:
            os.execve(place, list(command), dict(environment))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise LookupError(f"{place} cannot be started: {error.strerror}") from None
    raise LookupError(f"there is no command {name}")


def _woken_by_children() -> int:
    """Return a descriptor that can be read when a child has ended."""
    import _signal

    # Process 1 is deaf to signals from inside that it does not handle; Python handles this one.
    _signal.signal(_SIGINT, _signal.SIG_IGN)
    wake, wakes = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(wakes, False)
    _signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    _signal.signal(_SIGCHLD, lambda number, frame: None)
    return wake


def _crowded(folder: str, most: int) -> bool:
    """Return whether the scratch folder's file system holds more files than allowed: each costs memory."""
    used = os.statvfs(folder)
    return used.f_files - used.f_ffree > most + 64


def _tree(root: str, below: str, depth: int) -> Iterator[str]:
    """Yield the paths of the regular files, in order; links and folders below ``DEPTH`` are left out."""
    kinds = {}
    try:
        for name in sorted(os.listdir(f"{root}/{below}")):
            path = f"{below}/{name}" if below else name
            kinds[path] = os.stat(f"{root}/{path}", follow_symlinks=False).st_mode & 0o170000
    except OSError:
        return  # a folder that its owner shut
    for path, kind in kinds.items():
        if kind == 0o100000:
            yield path
        elif kind == 0o040000 and depth < DEPTH:
            yield from _tree(root, path, depth + 1)


def _content(root: str, path: str, most: int) -> tuple[int, bytes] | None:
    """Return whether the file may be executed and what is in it; None where it is no regular file.

    No link is followed on the way. Raises OverflowError for more than ``most`` bytes.
    """
    *folders, name = path.split("/")
    opened: list[int] = []
    try:
        opened.append(os.open(root, _FOLDER))
        for folder in folders:
            opened.append(os.open(folder, _FOLDER, dir_fd=opened[-1]))
        # A named pipe would wait for a writer.
        opened.append(os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=opened[-1]))
        found = os.fstat(opened[-1])
        if found.st_mode & 0o170000 != 0o100000:
            return None
        if found.st_size > most:
            raise OverflowError(f"left {found.st_size} bytes in {path[:200]!r}, where {most} are still allowed")
        parts = []
        while part := os.read(opened[-1], _READ_BYTES):
            parts.append(part)
        return int(bool(found.st_mode & 0o100)), b"".join(parts)
    except OSError:
        return None
    finally:
        for descriptor in opened:
            os.close(descriptor)
