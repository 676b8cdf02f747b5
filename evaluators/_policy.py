"""The policy kind's vocabulary: what a world asks of a candidate that decides again and again."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ._problem import Probe


class Policy(Protocol):
    """A candidate (or a trusted stand-in) that answers decisions, one workload at a time."""

    def begin(self, rows: int) -> None:
        """Start a workload whose observations carry ``rows`` table rows; the candidate's module runs afresh."""

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        """Return the fast call for one hook.

        It takes the observation (``Hook.width(rows)`` doubles), returns an answer already copied and checked
        against ``Hook.answer``, and raises CandidateFault when there is none. Ask anew after each ``begin``.
        """


class ProbeCall(NamedTuple):
    """One observation of rung 2."""

    hook: str
    values: tuple[float, ...]


class PolicyProbe(Probe):
    """A few hundred decisions that tell behaviours apart cheaply."""

    rows: int
    calls: tuple[ProbeCall, ...]
