"""What a foreign task says: asked of its own Python, which runs in a sandbox apart from every candidate.

A started one stays for the next question of the same thread and ends with it. What went wrong there is nobody's fault
but the task's: a ProblemError while it is loaded, a SandboxError while a candidate is judged.
"""

import atexit
import inspect
import json
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import CandidateFault, ProblemError, SandboxError
from .._link import Link, write_all
from .._problem import Limits
from .._worker import ANSWER
from ..sandbox import Worker, sandbox_named
from ..sandbox._interpreter import TORCH
from ..sandbox._kind import control
from . import _answering, _drawing, _foreign
from ._facts import Facts

LIMITS = Limits(
    wall_s=120.0,
    cpu_s=60.0,
    decision_wall_s=120.0,
    decision_cpu_s=60.0,
    start_wall_s=240.0,
    memory_bytes=3 << 30,
)
"""Of one question."""
_MANY = 100_000
"""Questions of one worker."""
_REPLY_BYTES = 1 << 30
Arrays = list[NDArray[Any]]


class TaskError(SandboxError):
    """The task's own Python failed, or does not fit a limit."""


class Question(NamedTuple):
    """Which call of a task is meant."""

    form: str
    sources: Mapping[str, str]
    """Texts of its modules, by name; later ones may import earlier ones."""
    case: Mapping[str, Any]
    seed: int = 0

    def asked(self, do: str, **more: Any) -> bytes:
        """Return the question as the worker reads it."""
        return control({"do": do, **self._asdict(), "sources": dict(self.sources), "case": dict(self.case), **more})


class Oracle(Link):
    """A sandboxed worker that runs a task's Python. Raises SandboxUnavailableError, SandboxError where it cannot."""

    def __init__(self, sandbox: str | None = None):
        limits = LIMITS.for_workloads(_MANY)
        super().__init__(sandbox_named(sandbox).start(limits, None, Worker(packages=True, extras=TORCH)), limits)
        try:
            self.start({"serve": oracle_text()})
        except CandidateFault as fault:
            self.close()
            raise SandboxError(f"the task's worker did not start: {fault.detail}") from fault

    def asked(self, question: bytes) -> bytes:
        """Return the bytes of a reply. Raises TaskError with what the task's own code said."""
        self.require_open()
        if self.fault is not None:
            raise TaskError(str(self.fault))
        self.watchdog.begin()
        self.watchdog.calls[0] += 1
        data = b""
        try:
            write_all(self.process.ask, question)
            data = self.whole(os.read(self.process.answer, ANSWER.size), ANSWER.size)
        except BrokenPipeError:
            pass
        status, number = ANSWER.unpack(data) if len(data) == ANSWER.size else (1, -1.0)
        if not 0 <= number <= _REPLY_BYTES:
            raise TaskError(str(self.failed(data, None)))
        reply = self.whole(b"", int(number))
        self.watchdog.calls[0] += 1
        if len(reply) < number:
            raise TaskError(str(self.failed(b"", None)))
        if status != 0:
            raise TaskError(reply.decode(errors="replace"))
        return reply


_kept: dict[int, Oracle] = {}


def _ask(question: bytes) -> bytes:
    thread = threading.get_ident()
    known = _kept.get(thread)
    if known is not None:
        try:
            return known.asked(question)
        except TaskError:
            if known.fault is None:
                raise
            known.close()  # It had ended, perhaps with a thread that had this one's number before.
    known = _kept[thread] = Oracle()
    return known.asked(question)


def release_oracles() -> None:
    """End every worker that was kept."""
    while _kept:
        _kept.popitem()[1].close()


atexit.register(release_oracles)
os.register_at_fork(after_in_child=_kept.clear)


def facts_of(question: Question) -> Facts:
    """Return what there is to know of a case. Raises TaskError."""
    reply = _ask(question.asked("describe"))
    try:
        return Facts.model_validate(json.loads(reply))
    except ValueError as error:
        raise TaskError(f"the task's worker described it in words that cannot be read: {error}") from None


def drawn(question: Question, facts: Facts) -> Arrays:
    """Return a call's input tensors, then the state of its model. Raises TaskError."""
    kinds = [(_stored(each.dtype, "uint16"), each.shape) for each in (*facts.tensors, *facts.state)]
    return _split(_ask(question.asked("draw")), kinds)


def answered(question: Question, facts: Facts) -> tuple[Arrays, Arrays]:
    """Return what is right: in float64 where the task can be reckoned so, and as the task itself reckons it."""
    told = {"exact": facts.exact, "sources_of": [list(each) for each in facts.sources_of]}
    own = [(_stored(each.dtype, "float32"), each.shape) for each in facts.outputs]
    wide = [("float64" if dtype.startswith("float") else dtype, shape) for dtype, shape in own]
    found = _split(_ask(question.asked("answer", told=told)), [*(wide if facts.exact else ()), *own])
    single = found[-len(own) :]
    return (found[: len(own)] if facts.exact else single), single


def _stored(dtype: str, half: str) -> str:
    """Return NumPy's dtype for one of torch's."""
    return {"bool": "uint8", "float16": half, "bfloat16": half}.get(dtype, dtype)


def _split(data: bytes, kinds: Sequence[tuple[str, Sequence[int]]]) -> Arrays:
    found, at = [], 0
    for dtype, shape in kinds:
        kind = np.dtype(dtype)
        end = at + kind.itemsize * int(np.prod(shape, dtype=np.int64))
        if end > len(data):
            raise TaskError(f"the task gave {len(data)} bytes, fewer than the shapes that it told")
        found.append(np.frombuffer(data[at:end], dtype=kind).reshape(shape))
        at = end
    if at != len(data):
        raise TaskError(f"the task gave {len(data)} bytes where {at} were expected: its shapes depend on the seed")
    return found


def foreign_text() -> str:
    """Return what both kinds of worker are sent."""
    return _FUTURE + _text(_foreign)


def oracle_text() -> str:
    """Return what a task's own worker is sent."""
    return foreign_text() + _text(_drawing) + _text(_answering)


_FUTURE = "from __future__ import annotations\n"
"""May stand once in a text, and first."""


def _text(module: Any) -> str:
    return inspect.getsource(module).replace(_FUTURE, "")


def as_problem_error(name: str, fault: Exception) -> ProblemError:
    """Return a failure of the task as what a user is told: one line."""
    return ProblemError(f"{name}: {' '.join(str(fault).split())}")
