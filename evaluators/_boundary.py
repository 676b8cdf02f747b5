"""The policy boundary, judge's side: a candidate in a sandbox that only answers decisions.

One decision is one write of packed doubles and one read of nine bytes. What comes back is copied, checked
against the hook's answer and only then used.
"""

import errno
import os
import struct
from collections.abc import Callable, Sequence

from ._contract import Candidate
from ._interface import Hook, PolicyInterface
from ._layout import answer_range, misuse, shapes
from ._link import Link, write_all
from ._problem import Limits
from ._worker import ANSWER, observation
from .sandbox import Sandbox, SandboxProcess

_ATOMIC_BYTES = 4096
"""A write of at most this much to a pipe is never cut in two (PIPE_BUF)."""

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
        limits: each ``begin`` starts the clocks of a workload of its own; the rest holds until it is closed.
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


class SandboxedPolicy(Link):
    """A candidate behind the boundary. Implements ``Policy``; made by ``open_policy``.

    After a fault every further call raises the same fault again.
    """

    def __init__(self, process: SandboxProcess, source: str, interface: PolicyInterface, limits: Limits):
        self._interface = interface
        self._program: dict[str, object] = {
            "source": source,
            "hooks": shapes(interface),
            "constants": dict(interface.constants),
        }
        self._calls: dict[str, Call] = {}
        super().__init__(process, limits)

    def begin(self, rows: int) -> None:
        """Start a workload of ``rows`` table rows: the candidate's module runs afresh.

        Calls handed out before stop working; ask ``hook`` anew. Raises CandidateFault (``invalid`` for a
        module that does not compile or lacks a hook), SandboxError, or ValueError for negative rows.
        """
        if rows < 0:
            raise ValueError(f"rows >= 0 must hold, got {rows=}")
        program, self._program = self._program, {}
        self.start({**program, "rows": rows})
        self._connect(rows)

    def hook(self, name: str) -> Call:
        """Return the fast call for one hook; see ``Policy.hook``. Raises KeyError before ``begin``."""
        return self._calls[name]

    def _connect(self, rows: int) -> None:
        """Make the calls of one workload. They share the two descriptors, so that one word disconnects all.

        A descriptor's number is used again after it is closed: a call that outlives its policy must not
        write into somebody else's file.
        """
        ask, answer = self.process.ask, self.process.answer
        calls, unpack, size, read = self.watchdog.calls, ANSWER.unpack, ANSWER.size, os.read
        failed, unanswered = self.failed, self._unanswered

        def disconnect() -> None:
            nonlocal ask, answer
            ask = answer = -1

        def call_of(index: int, hook: Hook) -> Call:
            wire = observation(shapes(self._interface)[index], rows)
            pack, allowed = wire.pack, answer_range(hook, rows)
            low, high, integer = allowed
            write = os.write if wire.size <= _ATOMIC_BYTES else write_all

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
        self.on_disconnect(disconnect)

    def _unanswered(self, error: OSError) -> Exception:
        if error.errno != errno.EBADF:
            return self.failed(b"", None)
        self.watchdog.calls[0] -= 1
        return self.fault or RuntimeError("a call of an earlier workload: ask hook() anew after begin()")
