"""The policy boundary, judge's side: a candidate in a sandbox that only answers decisions.

One decision is one write of packed doubles and one read of nine bytes. What comes back is copied, checked
against the hook's answer and only then used. Plain numbers cross, and the text of a failure; never a pickle.
"""

import errno
import os
import signal
import struct
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from ._contract import Candidate, Cost, Status
from ._errors import CandidateFault, SandboxError
from ._interface import Hook, PolicyInterface
from ._layout import STATUSES, Range, answer_range, misuse, shapes
from ._problem import Limits
from ._watchdog import Watchdog
from ._worker import ANSWER, DETAIL_BYTES, observation
from .sandbox import Sandbox, SandboxProcess
from .sandbox._kind import control

_ATOMIC_BYTES = 4096
"""A write of at most this much to a pipe is never cut in two (PIPE_BUF)."""
_DEATH_WALL_S = 1.0

Call = Callable[[Sequence[float]], float]


def open_policy(
    candidate: Candidate,
    interface: PolicyInterface,
    limits: Limits,
    sandbox: Sandbox,
    cpu: int | None = None,
) -> "SandboxedPolicy":
    """Start a fresh sandboxed process for ``candidate`` and return the policy it is.

    No candidate code has run on return: it first runs in ``begin``. Use it as a context manager, in the
    thread that opened it (the process dies with that thread).

    Args:
        candidate: only its entry file is run.
        interface: the hooks and constants of the problem.
        limits: for everything until the policy is closed.
        sandbox: where to run, see ``sandbox_named``.
        cpu: core to pin the candidate to. A judge pinned to the same core is answered about twice as fast.

    Raises SandboxUnavailableError or SandboxError.

    Example:
        with open_policy(candidate, problem.interface, problem.limits, sandbox_named()) as policy:
            policy.begin(rows=8)
            place = policy.hook("place")
            choice = place(observation)
    """
    process = sandbox.start(limits, cpu)
    try:
        return SandboxedPolicy(process, candidate.source, interface, limits)
    except BaseException:
        process.close()
        raise


class SandboxedPolicy:
    """A candidate behind the boundary. Implements ``Policy``; made by ``open_policy``.

    After a fault every further call raises the same fault again.
    """

    def __init__(self, process: SandboxProcess, source: str, interface: PolicyInterface, limits: Limits):
        self._process = process
        self._interface = interface
        self._program: dict[str, object] = {
            "source": source,
            "hooks": shapes(interface),
            "constants": dict(interface.constants),
        }
        self._calls: dict[str, Call] = {}
        self._disconnect: Callable[[], None] = _nothing
        self._fault: CandidateFault | SandboxError | None = None
        self._begins = 0
        self._wall_s: float | None = None
        self._watchdog = Watchdog(process, limits)
        self._watchdog.start()

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
            cpu_s=self._process.cpu_s(),
            wall_s=self._watchdog.elapsed_s() if self._wall_s is None else self._wall_s,
            decisions=max(0, self._watchdog.calls[0] // 2 - self._begins),
        )

    @property
    def pid(self) -> int:
        """Pid of the candidate's process on the host."""
        return self._process.pid

    def begin(self, rows: int) -> None:
        """Start a workload of ``rows`` table rows: the candidate's module runs afresh.

        Calls handed out before stop working; ask ``hook`` anew. Raises CandidateFault (``invalid`` for a
        module that does not compile or lacks a hook), SandboxError, or ValueError for negative rows.
        """
        if rows < 0:
            raise ValueError(f"rows >= 0 must hold, got {rows=}")
        if self._fault is not None:
            raise self._fault
        self._require_open()
        self._disconnect()
        watchdog = self._watchdog
        message = control({**self._program, "rows": rows})
        self._program = {}
        watchdog.starting = True
        watchdog.calls[0] += 1
        data = b""
        try:
            _write_all(self._process.ask, message)
            data = os.read(self._process.answer, ANSWER.size)
        except BrokenPipeError:
            pass
        if data != ANSWER.pack(0, 0.0):
            raise self._failed(data, None)
        watchdog.calls[0] += 1
        self._begins += 1
        watchdog.starting = False
        self._connect(rows)

    def hook(self, name: str) -> Call:
        """Return the fast call for one hook; see ``Policy.hook``. Raises KeyError before ``begin``."""
        return self._calls[name]

    def close(self) -> None:
        """Kill the candidate and free everything it held. Safe to repeat."""
        if self._wall_s is not None:
            return
        self._wall_s = self._watchdog.elapsed_s()
        self._disconnect()
        try:
            self._watchdog.stop()
        finally:
            self._process.close()

    def _require_open(self) -> None:
        if self._wall_s is not None:
            raise RuntimeError("this policy is closed; open a new one with open_policy")

    def _connect(self, rows: int) -> None:
        """Make the calls of one workload. They share the two descriptors, so that one word disconnects all.

        A descriptor's number is used again after it is closed: a call that outlives its policy must not
        write into somebody else's file.
        """
        ask, answer = self._process.ask, self._process.answer
        calls, unpack, size, read = self._watchdog.calls, ANSWER.unpack, ANSWER.size, os.read
        failed, unanswered = self._failed, self._unanswered

        def disconnect() -> None:
            nonlocal ask, answer
            ask = answer = -1

        def call_of(index: int, hook: Hook) -> Call:
            wire = observation(shapes(self._interface)[index], rows)
            pack, allowed = wire.pack, answer_range(hook, rows)
            low, high, integer = allowed
            write = os.write if wire.size <= _ATOMIC_BYTES else _write_all

            def call(values: Sequence[float]) -> float:
                try:
                    message = pack(index, *values)
                except struct.error as error:
                    raise misuse(hook, rows, values) from error
                calls[0] += 1
                try:
                    write(ask, message)
                    data = read(answer, size)
                except OSError as error:
                    raise unanswered(error) from None
                if len(data) == size:
                    status, value = unpack(data)
                    if status == 0 and low <= value <= high and (not integer or value.is_integer()):
                        calls[0] += 1
                        return value  # type: ignore[no-any-return]
                raise failed(data, (hook.name, allowed))

            return call

        self._calls = {hook.name: call_of(index, hook) for index, hook in enumerate(self._interface.hooks)}
        self._disconnect = disconnect

    def _failed(self, data: bytes, asked: tuple[str, Range] | None) -> CandidateFault | SandboxError:
        """Return why ``data`` is not an answer, remember it, and stop the candidate."""
        if self._fault is None:
            self._fault = self._reading(data, asked)
            self._disconnect()
            self._process.kill()
        return self._fault

    def _unanswered(self, error: OSError) -> Exception:
        if error.errno != errno.EBADF:
            return self._failed(b"", None)
        self._watchdog.calls[0] -= 1
        return self._fault or RuntimeError("a call of an earlier workload: ask hook() anew after begin()")

    def _reading(self, data: bytes, asked: tuple[str, Range] | None) -> CandidateFault | SandboxError:
        data = self._whole(data, ANSWER.size)
        if len(data) < ANSWER.size:
            return self._death()
        status, number = ANSWER.unpack(data)
        if status == 0 and asked is not None:
            name, allowed = asked
            return CandidateFault(Status.PROTOCOL, allowed.refusal(name, number))
        if status in STATUSES and 0 <= number <= DETAIL_BYTES:
            text = self._whole(b"", int(number)).decode(errors="replace")
            return self._watchdog.breach or CandidateFault(STATUSES[status], text)
        return CandidateFault(Status.PROTOCOL, "wrote something that is no answer into the answer pipe")

    def _whole(self, data: bytes, size: int) -> bytes:
        """Read on until ``size`` bytes are there or the pipe ends; the watchdog bounds the wait."""
        while len(data) < size:
            more = os.read(self._process.answer, size - len(data))
            if not more:
                break
            data += more
        return data

    def _death(self) -> CandidateFault | SandboxError:
        self._watchdog.calls[0] -= 1  # nothing is awaited any more: a slow death is not a slow answer
        code = self._process.died(_DEATH_WALL_S)
        if self._watchdog.breach is not None:
            return self._watchdog.breach
        if code is None:
            return CandidateFault(Status.PROTOCOL, "closed its answer pipe without an answer")
        if code <= 128:
            return CandidateFault(Status.PROTOCOL, f"exited with code {code} without an answer")
        if code == 128 + signal.SIGKILL:
            return SandboxError("the worker was killed, and not by us: this machine may be out of memory")
        return CandidateFault(Status.CRASHED, f"died of {_signal_name(code - 128)}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _nothing() -> None:
    """Before the first ``begin`` there is nothing to disconnect."""


def _write_all(descriptor: int, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(data)
