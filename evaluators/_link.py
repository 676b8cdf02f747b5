"""One conversation with a sandboxed worker: what crosses, what a failure means, and how it ends.

Shared by every kind of candidate that a worker serves. Plain numbers and bytes cross, and the text of a
failure; never a pickle.
"""

import os
import signal
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from ._contract import Cost, Status
from ._errors import CandidateFault, SandboxError
from ._layout import STATUSES, Range
from ._problem import Limits
from ._watchdog import Watchdog
from ._worker import ANSWER, DETAIL_BYTES
from .sandbox import SandboxProcess
from .sandbox._kind import control

_DEATH_WALL_S = 1.0


class Link:
    """A started worker and its watchdog. After a fault every further use raises the same fault again.

    Use it in the thread that started the process: the process dies with that thread.
    """

    def __init__(self, process: SandboxProcess, limits: Limits):
        self.process = process
        self.fault: CandidateFault | SandboxError | None = None
        self.watchdog = Watchdog(process, limits)
        self._wall_s: float | None = None
        self._begins = 0
        self._disconnect: Callable[[], None] = _nothing
        self.watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def cost(self) -> Cost:
        """CPU seconds of the candidate's own process, wall seconds since its start, answers given."""
        return Cost(
            cpu_s=self.process.cpu_s(),
            wall_s=self.watchdog.elapsed_s() if self._wall_s is None else self._wall_s,
            decisions=max(0, self.watchdog.calls[0] // 2 - self._begins),
        )

    @property
    def pid(self) -> int:
        """Pid of the candidate's process on the host."""
        return self.process.pid

    def start(self, message: Mapping[str, Any]) -> None:
        """Send a message that makes the worker load candidate code, and wait until it has.

        Raises CandidateFault (``invalid`` for code that does not compile or lacks what it must define),
        SandboxError, or RuntimeError after ``close``.
        """
        self.require_open()
        if self.fault is not None:
            raise self.fault
        self._disconnect()
        watchdog = self.watchdog
        watchdog.begin()
        watchdog.starting = True
        watchdog.calls[0] += 1
        data = b""
        try:
            write_all(self.process.ask, control(message))
            data = os.read(self.process.answer, ANSWER.size)
        except BrokenPipeError:
            pass
        if data != ANSWER.pack(0, 0.0):
            raise self.failed(data, None)
        watchdog.calls[0] += 1
        self._begins += 1
        watchdog.starting = False

    def on_disconnect(self, action: Callable[[], None]) -> None:
        """Have ``action`` called when calls handed out so far must stop working."""
        self._disconnect = action

    def require_open(self) -> None:
        """Raise RuntimeError after ``close``."""
        if self._wall_s is not None:
            raise RuntimeError("this candidate's session is closed; open a new one")

    def close(self) -> None:
        """Kill the candidate and free everything it held. Safe to repeat."""
        if self._wall_s is not None:
            return
        self._wall_s = self.watchdog.elapsed_s()
        self._disconnect()
        try:
            self.watchdog.stop()
        finally:
            self.process.close()

    def failed(self, data: bytes, asked: tuple[str, Range] | None) -> CandidateFault | SandboxError:
        """Return why ``data`` is not an answer, remember it, and stop the candidate."""
        if self.fault is None:
            self.fault = self._reading(data, asked)
            self._disconnect()
            self.process.kill()
        return self.fault

    def refuse(self, detail: str) -> CandidateFault | SandboxError:
        """Remember that a whole answer is not one that is allowed, stop the candidate, and return the fault."""
        if self.fault is None:
            self.fault = self.watchdog.breach or CandidateFault(Status.PROTOCOL, detail)
            self._disconnect()
            self.process.kill()
        return self.fault

    def whole(self, data: bytes, size: int) -> bytes:
        """Read on until ``size`` bytes are there or the pipe ends; the watchdog bounds the wait."""
        if size - len(data) > _LARGE_BYTES:
            return self._large(data, size)
        while len(data) < size:
            more = os.read(self.process.answer, size - len(data))
            if not more:
                break
            data += more
        return data

    def _large(self, data: bytes, size: int) -> bytes:
        """Read much into one buffer, so that the cost stays linear."""
        buffer, filled = bytearray(size), len(data)
        buffer[:filled] = data
        view = memoryview(buffer)
        while filled < size:
            count = os.readv(self.process.answer, [view[filled:]])
            if not count:
                break
            filled += count
        return bytes(view[:filled])

    def _reading(self, data: bytes, asked: tuple[str, Range] | None) -> CandidateFault | SandboxError:
        data = self.whole(data, ANSWER.size)
        if len(data) < ANSWER.size:
            return self._death()
        status, number = ANSWER.unpack(data)
        if status == 0 and asked is not None:
            name, allowed = asked
            return CandidateFault(Status.PROTOCOL, allowed.refusal(name, number))
        if status in STATUSES and 0 <= number <= DETAIL_BYTES:
            text = self.whole(b"", int(number)).decode(errors="replace")
            return self.watchdog.breach or CandidateFault(STATUSES[status], text)
        return CandidateFault(Status.PROTOCOL, "wrote something that is no answer into the answer pipe")

    def _death(self) -> CandidateFault | SandboxError:
        self.watchdog.calls[0] -= 1  # nothing is awaited any more: a slow death is not a slow answer
        code = self.process.died(_DEATH_WALL_S)
        if self.watchdog.breach is not None:
            return self.watchdog.breach
        if code is None:
            return CandidateFault(Status.PROTOCOL, "closed its answer pipe without an answer")
        if code <= 128:
            return CandidateFault(Status.PROTOCOL, f"exited with code {code} without an answer")
        if code == 128 + signal.SIGKILL and self.process.out_of_memory():
            return CandidateFault(Status.OOM, "out of memory: the kernel killed it at its sandbox's limit")
        if code == 128 + signal.SIGKILL:
            return SandboxError("the worker was killed, and not by us: this machine may be out of memory")
        return CandidateFault(Status.CRASHED, f"died of {_signal_name(code - 128)}")


_LARGE_BYTES = 1 << 16


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _nothing() -> None:
    """Before the first start there is nothing to disconnect."""


def write_all(descriptor: int, data: bytes) -> int:
    """Write all of ``data`` to a pipe and return its length. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(data)
