"""Bars: the known forms that a kernel's time is held against, each in a trusted process of its own.

They share nothing with a candidate, so that none can slow them down: no process, no memory, no sandbox. A started
bar stays for the next candidate of the same judge and ends with it: it reads the end of its pipe.
"""

import atexit
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from .._errors import SpeciateError
from ..sandbox._kind import control
from ._arena import Arena, Slot
from ._interface import KernelInterface
from ._pages import HEAP
from ._remote import reachable
from ._session import NOW, Lap, Runner, call_facts, worker_text
from ._trusted import Trusted, TrustedError


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
        own: whether its buffers may lie in memory of its own: as little as the kernel's beside it, or the two would
            be timed in other pages.

    Raises BarError where it does not start.
    """

    def __init__(
        self,
        name: str,
        interface: KernelInterface,
        arena_bytes: int,
        code: Mapping[str, Any],
        cpu: int,
        *,
        own: bool = True,
    ):
        self.name = name
        self._before = "path" in code and f"def before_{code['function']}(" in Path(code["path"]).read_text("utf-8")
        self.arena = Arena(arena_bytes)
        try:
            self._worker = Trusted(self.arena, cpu, dict(HEAP))
            own = own and reachable(self._worker.pid)
            told = {"serve": worker_text(), "own": own, "touch": arena_bytes}
            self._worker.load({**told, **call_facts(interface, self.arena), **code})
            if own:
                self.arena.reach(self._worker.pid, self._failed)
        except TrustedError as error:
            raise self._failed(error) from error

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next."""
        self._say(control({"calls": [slot.call for slot in slots]}))

    def run(self) -> Lap:
        """Have the prepared calls made. Raises BarError where its code fails."""
        if self._before:
            self._say(control({"before": True}))
        return self._say(NOW)

    def _say(self, question: bytes) -> Lap:
        cpu_s, began = self._worker.cpu_s(), time.perf_counter()
        try:
            self._worker.say(question)
        except TrustedError as error:
            raise self._failed(error) from error
        ended = time.perf_counter()
        return Lap(ended - began, self._worker.cpu_s() - cpu_s)

    def _failed(self, error: SpeciateError) -> BarError:
        return BarError(f"bar {self.name}: {error}")

    def close(self) -> None:
        """End its process and free its memory. Safe to repeat."""
        self._worker.close()


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
