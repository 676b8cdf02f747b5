"""From a policy interface to what both sides of the boundary share: record shapes and answer ranges."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from ._contract import Status
from ._interface import Hook, PolicyInterface
from ._worker import CRASHED, INVALID, OOM, PROTOCOL, ArgumentShape, HookShape

STATUSES = {
    INVALID: Status.INVALID,
    CRASHED: Status.CRASHED,
    OOM: Status.OOM,
    PROTOCOL: Status.PROTOCOL,
}
"""What a worker may say of its candidate. All else (limits, death, our failures) the judge finds itself."""


def shapes(interface: PolicyInterface) -> tuple[HookShape, ...]:
    """Return the hooks as plain tuples, in wire order: what the worker is told of the interface."""
    return tuple((hook.name, tuple(_arguments(hook))) for hook in interface.hooks)


def _arguments(hook: Hook) -> list[ArgumentShape]:
    return [
        (
            argument.record.name,
            argument.record.fields,
            argument.table if argument.row else None,
            argument.row.name if argument.row else "",
            argument.row.fields if argument.row else (),
        )
        for argument in hook.arguments
    ]


class Range(NamedTuple):
    """The closed interval an answer must lie in, with ``rows`` known. Never admits NaN or infinities."""

    low: float
    high: float
    integer: bool

    def refusal(self, hook: str, value: float) -> str:
        """Return why ``value`` is not in the range, in words a person or a model can act on."""
        kind = "an integer" if self.integer else "a finite number"
        unlimited = (self.low, self.high) == (-sys.float_info.max, sys.float_info.max)
        where = "" if unlimited else f" in [{self.low:g}, {self.high:g}]"
        return f"{hook}: expected {kind}{where}, got {value!r}"


def answer_range(hook: Hook, rows: int) -> Range:
    """Return the range of a hook's answers for a table of ``rows`` rows."""
    answer = hook.answer
    low = -sys.float_info.max if answer.low is None else answer.low
    high: float = sys.float_info.max
    if answer.high == "rows-1":
        high = float(rows - 1)
    elif answer.high is not None:
        high = float(answer.high)
    return Range(low, high, answer.kind == "integer")


def misuse(hook: Hook, rows: int, values: Sequence[float]) -> ValueError:
    """Return what to tell a problem that passed an observation of the wrong shape."""
    width = hook.width(rows)
    return ValueError(
        f"hook {hook.name}: expected {width} numbers with {rows=}, got {len(values)}: {values!r:.200}"
    )
