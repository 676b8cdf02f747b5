"""The candidate's side of the plan kind. Sent as text to a worker, which runs it in its own namespace.

So the names that it takes from the worker are imported only on the judge's side, where trusted code is called
without a sandbox. Messages are the worker's: tag 255, length, marshalled dict. An answer is a status byte, the
number of bytes that follow, and the outputs one after the other.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._worker import ANSWER, CONTROL, FILENAME, OK, OOM, PROTOCOL, Fault, Program, _control, _found, _packed


LINES = "lines_run"
"""The output that is no answer of the candidate: how many lines of its file it ran for one, counted by the worker."""


class PlanProgram:
    """A compiled candidate and the one function it is asked by."""

    def __init__(self, source: str, function: str, parameters: Sequence[str]):
        self.program = Program(source, (), {})
        self.wanted = (function, tuple((name, (), None, "", ()) for name in parameters))

    def loaded(self) -> Callable[..., Any]:
        """Run the module afresh and return its function. Raises Fault, and whatever the module raises."""
        self.program.begin(0)
        return _found(sys.modules["candidate"], self.wanted)

    def call(self, inputs: Sequence[Any], outputs: Sequence[tuple[str, str, tuple[int, ...]]]) -> list[bytes]:
        """Return the bytes of each output. Raises Fault, and whatever the candidate raises."""
        function = self.loaded()
        if outputs[-1][0] != LINES:
            return self._parts(function(*inputs), outputs)
        result, lines = counted(function, inputs)
        return [*self._parts(result, outputs[:-1]), packed(outputs[-1], lines)]

    def _parts(self, result: Any, outputs: Sequence[tuple[str, str, tuple[int, ...]]]) -> list[bytes]:
        if len(outputs) == 1:
            return [packed(outputs[0], result)]
        if type(result) is not tuple and type(result) is not list:
            raise Fault(PROTOCOL, f"expected a tuple of {len(outputs)} arrays, got {type(result).__name__[:80]}")
        if len(result) != len(outputs):
            raise Fault(PROTOCOL, f"expected a tuple of {len(outputs)} arrays, got {len(result)}")
        return [packed(wanted, value) for wanted, value in zip(outputs, result, strict=True)]


def counted(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Any, int]:
    """Call ``function`` and count the lines of the candidate's file that are run, loops and helpers included.

    Raises Fault(PROTOCOL) where the count was switched off, and whatever the function raises.
    """
    lines, before = 0, sys.gettrace()

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename != FILENAME:
            return None
        lines += event == "line"
        return trace

    sys.settrace(trace)
    try:
        result = function(*inputs)
        if sys.gettrace() is not trace:
            raise Fault(PROTOCOL, "expected sys.settrace to be left alone: it counts the lines that are run")
    finally:
        sys.settrace(before)
    return result, lines


def packed(wanted: tuple[str, str, tuple[int, ...]], value: Any) -> bytes:
    """Return an output's bytes. Raises Fault(PROTOCOL) for another shape or for what are not numbers."""
    import numpy as np

    name, code, shape = wanted
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise Fault(PROTOCOL, f"{name}: expected an array of shape {shape}: {error}") from None
    if array.dtype.kind not in "iuf":
        raise Fault(PROTOCOL, f"{name}: expected numbers, got an array of {array.dtype}")
    if array.shape != shape:
        raise Fault(PROTOCOL, f"{name}: expected shape {shape}, got {array.shape}")
    if code == "q" and array.dtype.kind == "f" and not (np.rint(array) == array).all():
        raise Fault(PROTOCOL, f"{name}: expected whole numbers, got others")
    return np.ascontiguousarray(array, dtype="<i8" if code == "q" else "<f8").tobytes()


def arrays_of(inputs: Sequence[tuple[str, tuple[int, ...], bytes]]) -> list[Any]:
    """Return the inputs as arrays of their own, plain numbers where the shape is empty."""
    import numpy as np

    arrays = [
        np.frombuffer(data, dtype="<i8" if code == "q" else "<f8").reshape(shape).copy() for code, shape, data in inputs
    ]
    return [array if array.shape else array.item() for array in arrays]


def serve_calls(ask: int, answer: int, message: dict[str, Any]) -> None:
    """Load the candidate, say so, and answer calls until the judge hangs up or a fault ends it."""
    plan = None
    try:
        import numpy as np  # before the candidate's own time begins

        np.seterr(all="ignore")
        plan = PlanProgram(message["source"], message["function"], message["parameters"])
        plan.loaded()
        os.write(answer, ANSWER.pack(OK, 0.0))
        while data := os.read(ask, 65536):
            if data[0] != CONTROL:
                return
            question = _control(ask, data)
            result = b"".join(plan.call(arrays_of(question["inputs"]), question["outputs"]))
            os.write(answer, ANSWER.pack(OK, float(len(result))))
            view = memoryview(result)
            while view:
                view = view[os.write(answer, view) :]
    except MemoryError:
        os.write(answer, _packed(Fault(OOM, "out of memory: an allocation would have passed the limit")))
    except BaseException as error:
        fault = error if isinstance(error, Fault) else plan.program.failure(error) if plan else None
        if fault is None:
            raise OSError(f"the plan worker did not start: {error}") from error
        os.write(answer, _packed(fault))
