"""The plan kind's boundary, judge's side: a candidate that answers one call with arrays, in a sandbox or inline."""

import inspect
import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _plan_worker
from ._contract import Candidate, Status
from ._errors import CandidateFault
from ._layout import STATUSES
from ._link import Link, write_all
from ._plan import Arrays, PlanInterface, Shaped, as_inputs, refusal
from ._problem import Limits
from ._worker import ANSWER, Fault
from .sandbox import Sandbox, Worker
from .sandbox._kind import control


def open_plan(
    candidate: Candidate, interface: PlanInterface, limits: Limits, sandbox: Sandbox, cpu: int | None = None
) -> "SandboxedPlan":
    """Start a fresh sandboxed process, load the candidate in it, and return the plan it is.

    Use it in the thread that opened it, and close it. Raises CandidateFault for a module that does not load,
    SandboxError or SandboxUnavailableError.
    """
    process = sandbox.start(limits, cpu, Worker(packages=True))
    try:
        plan = SandboxedPlan(process, limits, interface)
    except BaseException:
        process.close()
        raise
    try:
        plan.load(candidate.source)
    except BaseException:
        plan.close()
        raise
    return plan


class SandboxedPlan(Link):
    """A candidate behind the boundary. Implements ``Plan``; made by ``open_plan``."""

    def __init__(self, process: Any, limits: Limits, interface: PlanInterface):
        self._interface = interface
        super().__init__(process, limits)

    def load(self, source: str) -> None:
        """Have the worker load the candidate. Raises CandidateFault, SandboxError."""
        function = self._interface.functions[0]
        told = {"source": source, "function": function.name, "parameters": function.parameters}
        self.start({"serve": _worker_text(), **told})

    def __call__(self, **inputs: Any) -> Arrays:
        """Ask the candidate; see ``Plan``."""
        self.require_open()
        if self.fault is not None:
            raise self.fault
        arrays = as_inputs(self._interface, inputs)
        outputs = self._interface.expected(self._interface.bound_names(arrays))
        size = sum(wanted.byte_count for wanted in outputs)
        calls, data = self.watchdog.calls, b""
        self.watchdog.begin()
        calls[0] += 1
        try:
            write_all(self.process.ask, control(_question(arrays, outputs)))
            data = os.read(self.process.answer, ANSWER.size)
        except BrokenPipeError:
            pass
        if data != ANSWER.pack(0, float(size)):
            raise self.failed(data, None)
        payload = self.whole(b"", size)
        if len(payload) < size:
            raise self.failed(b"", None)
        calls[0] += 1
        found = _split(outputs, payload)
        for wanted in outputs:
            reason = refusal(wanted, found[wanted.name])
            if reason is not None:
                raise self.refuse(reason)
        return found


class InlinePlan:
    """Trusted code called in this process with the semantics of the boundary, and none of its protection."""

    def __init__(self, source: str, interface: PlanInterface):
        self._interface = interface
        function = interface.functions[0]
        try:
            self._program = _plan_worker.PlanProgram(source, function.name, function.parameters)
        except Fault as fault:
            raise CandidateFault(STATUSES[fault.status], fault.detail) from None

    def __call__(self, **inputs: Any) -> Arrays:
        """Call the code; see ``Plan``."""
        arrays = as_inputs(self._interface, inputs)
        outputs = self._interface.expected(self._interface.bound_names(arrays))
        question = _question(arrays, outputs)
        try:
            parts = self._program.call(_plan_worker.arrays_of(question["inputs"]), question["outputs"])
        except (Exception, SystemExit) as error:
            fault = error if isinstance(error, Fault) else self._program.program.failure(error)
            raise CandidateFault(STATUSES[fault.status], fault.detail) from error
        found = _split(outputs, b"".join(parts))
        for wanted in outputs:
            reason = refusal(wanted, found[wanted.name])
            if reason is not None:
                raise CandidateFault(Status.PROTOCOL, reason)
        return found


@cache
def _worker_text() -> str:
    return inspect.getsource(_plan_worker)


def _question(arrays: Arrays, outputs: tuple[Shaped, ...]) -> dict[str, Any]:
    inputs = [("q" if array.dtype == np.int64 else "d", array.shape, array.tobytes()) for array in arrays.values()]
    return {"inputs": inputs, "outputs": [(wanted.name, wanted.code, wanted.shape) for wanted in outputs]}


def _split(outputs: tuple[Shaped, ...], payload: bytes) -> Arrays:
    """Return the outputs by name, as arrays of their own."""
    found: dict[str, NDArray[Any]] = {}
    start = 0
    for wanted in outputs:
        part = payload[start : start + wanted.byte_count]
        found[wanted.name] = np.frombuffer(part, dtype=f"<{'i' if wanted.code == 'q' else 'f'}8").reshape(wanted.shape)
        start += wanted.byte_count
    return found
