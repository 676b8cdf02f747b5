"""Bars: the known forms that a kernel's time is held against, each in a trusted process of its own.

They share nothing with a candidate, so that none can slow them down: no process, no memory, no sandbox. A started
bar stays for the next candidate of the same judge and ends with it: it reads the end of its pipe.
"""

import atexit
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from .._errors import SpeciateError
from .._link import write_all
from .._worker import ANSWER, DETAIL_BYTES
from ..sandbox._interpreter import ONE_THREAD, arguments, worker_code
from ..sandbox._kind import CpuClock, Pipes, control
from ._arena import Arena, Slot
from ._interface import KernelInterface
from ._session import DONE, NOW, Lap, Runner, call_facts, worker_text

_UNCONFINED = "def attend(ask, answer, settings):\n    os.write(answer, ANSWER.pack(OK, 0.0))\n    serve(ask, answer)\n"
"""What makes a worker serve without giving anything up first: all else about it is as in a sandbox."""
_END_S = 5.0


class BarError(SpeciateError):
    """A bar does not run here: a library is missing, or its own code failed."""


class Form(Runner, Protocol):
    """A known form that a kernel's time is held against, started."""

    name: str

    def close(self) -> None:
        """End its process and free its memory. Safe to repeat."""


class Bar:
    """A trusted kernel in a process of its own, pinned to one core. A ``Runner``; close it.

    Args:
        name: for messages.
        interface: of the problem.
        arena_bytes: memory for its calls.
        code: ``object`` (a shared object) or ``path`` and ``function`` (a Python file and its function). Where the
            file also defines ``before_FUNCTION``, that is called with the same arguments first, and is not timed: a
            form that is handed its weights in another shape makes it there.
        cpu: the core.

    Raises BarError where it does not start.
    """

    def __init__(self, name: str, interface: KernelInterface, arena_bytes: int, code: Mapping[str, Any], cpu: int):
        self.name = name
        self._before = "path" in code and f"def before_{code['function']}(" in Path(code["path"]).read_text("utf-8")
        self.arena = Arena(arena_bytes)
        self._folder = tempfile.TemporaryDirectory(prefix="speciate-bar-")
        pipes = Pipes()
        try:
            self._process = subprocess.Popen(
                arguments(),
                stdin=pipes.child_ask,
                stdout=pipes.child_answer,
                stderr=subprocess.DEVNULL,
                pass_fds=(self.arena.descriptor,),
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                cwd="/",
            )
        except OSError as error:
            pipes.close()
            self._free()
            raise BarError(f"bar {name}: its process did not start: {error}") from error
        finally:
            pipes.close_child_ends()
        self._pipes = pipes
        self._clock = CpuClock(self._process.pid)
        told = {"serve": worker_text(), "arena": self.arena.descriptor, "folder": self._folder.name}
        try:
            os.sched_setaffinity(self._process.pid, {cpu})
            self._say(worker_code() + control({"room": _UNCONFINED}))
            self._say(control({**told, **call_facts(interface, self.arena), **code}))
        except BaseException:
            self.close()
            raise

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next."""
        self._say(control({"calls": [slot.call for slot in slots]}))

    def run(self) -> Lap:
        """Have the prepared calls made. Raises BarError where its code fails."""
        if self._before:
            self._say(control({"before": True}))
        return self._say(NOW)

    def _say(self, question: bytes) -> Lap:
        cpu_s, began = self._clock.read_s(), time.perf_counter()
        try:
            write_all(self._pipes.ask, question)
            data = os.read(self._pipes.answer, ANSWER.size)
        except BrokenPipeError:
            data = b""
        ended = time.perf_counter()
        if data != DONE:
            raise BarError(f"bar {self.name}: {self._failure(data)}")
        return Lap(ended - began, self._clock.read_s() - cpu_s)

    def _failure(self, data: bytes) -> str:
        if len(data) < ANSWER.size:
            return "its process ended"
        return os.read(self._pipes.answer, min(int(ANSWER.unpack(data)[1]), DETAIL_BYTES)).decode(errors="replace")

    def close(self) -> None:
        """End its process and free its memory. Safe to repeat."""
        if self._process.returncode is None:
            self._pipes.close()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._free()

    def _free(self) -> None:
        self.arena.close()
        self._folder.cleanup()


_started: dict[tuple[object, ...], Form] = {}


def kept_bar(key: tuple[object, ...], start: Callable[[], Form]) -> Form:
    """Return the bar that was kept under ``key``, or start it and keep it. Raises BarError."""
    if key not in _started:
        _started[key] = start()
    return _started[key]


def release_bar(key: tuple[object, ...]) -> None:
    """End the bar that is kept under ``key``, if there is one."""
    bar = _started.pop(key, None)
    if bar is not None:
        bar.close()


def release_bars() -> None:
    """End every bar that was kept."""
    for key in list(_started):
        release_bar(key)


atexit.register(release_bars)
os.register_at_fork(after_in_child=_started.clear)
