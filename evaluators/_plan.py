"""The plan kind's vocabulary: one call, named arrays in and named arrays out."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ._contract import Frozen
from ._interface import Function, Interface
from ._plan_worker import LINES
from ._problem import Probe

Dimension = int | str
Arrays = dict[str, NDArray[Any]]


class Array(Frozen):
    """One argument or one answer of a plan.

    A dimension is a number or a name. A name is bound by the inputs: by the length of the dimension that
    carries it there, or by a whole-number input of that name. ``high`` may be such a name too, or ``name-1``.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    shape: tuple[Dimension, ...] = ()
    """Empty for a plain number."""
    kind: Literal["number", "integer"] = "number"
    low: float | None = None
    """Least value allowed of an answer, inclusive."""
    high: float | str | None = None
    """Greatest value allowed of an answer, inclusive."""
    unit: str = ""
    about: str = ""

    @property
    def words(self) -> str:
        """The array in words, for a brief."""
        what = "whole numbers" if self.kind == "integer" else "finite numbers"
        shape = f"shape ({', '.join(map(str, self.shape))}), " if self.shape else ""
        least = "" if self.low is None else f" from {self.low:g}"
        most = "" if self.high is None else f" to {self.high}"
        unit = f" [{self.unit}]" if self.unit else ""
        about = f": {self.about}" if self.about else ""
        return f"`{self.name}`, {shape}{what}{least}{most}{unit}{about}"


class Shaped(NamedTuple):
    """An array whose dimensions and limits are known."""

    name: str
    code: str
    """``d`` (double) or ``q`` (64-bit integer), as in ``struct``."""
    shape: tuple[int, ...]
    low: float
    high: float

    @property
    def byte_count(self) -> int:
        """Bytes on the wire."""
        return 8 * math.prod(self.shape)


class PlanInterface(Interface):
    """A function of the candidate that is called once for an answer, with numpy arrays.

    It is called with the inputs in order. It returns the one output, or a tuple of all outputs in order. The
    module runs afresh for every call, so nothing is remembered.
    """

    kind: ClassVar[str] = "plan"
    function: str = Field(default="plan", pattern=r"^[a-z][a-z0-9_]*$")
    inputs: tuple[Array, ...] = Field(min_length=1)
    outputs: tuple[Array, ...] = Field(min_length=1)
    about: str = ""
    counts_lines: bool = False
    """Whether each call also gives ``lines_run``: lines of its file that the candidate ran, loops and helpers included.

    A measure of its work that is the same every time, unlike its CPU seconds; what numpy does within a line is not in
    it. It is counted in the candidate's own process, so let it be an axis and never part of a score.
    """

    @model_validator(mode="after")
    def _names_are_bound(self) -> "PlanInterface":
        bound = {d for array in self.inputs for d in array.shape if isinstance(d, str)}
        bound |= {array.name for array in self.inputs if not array.shape and array.kind == "integer"}
        for array in self.outputs:
            wanted = {d for d in array.shape if isinstance(d, str)}
            wanted |= {array.high.removesuffix("-1")} if isinstance(array.high, str) else set()
            if not wanted <= bound:
                raise ValueError(f"output {array.name}: no input gives {', '.join(sorted(wanted - bound))}")
        return self

    @property
    def functions(self) -> tuple[Function, ...]:
        """The one function."""
        return (Function(self.function, tuple(array.name for array in self.inputs)),)

    def description(self) -> str:
        """Return the call, its arrays, and what may be imported."""
        returned = "it" if len(self.outputs) == 1 else "a tuple of them, in this order"
        call = self.functions[0].signature
        return "\n".join(
            [
                f"Write one Python file that defines, at its top level, `{call}`. {self.about}".rstrip(),
                "",
                "It is called with numpy arrays (plain numbers where no shape is given):",
                "",
                *[f"- {array.words}" for array in self.inputs],
                "",
                f"It answers with numpy arrays; return {returned}:",
                "",
                *[f"- {array.words}" for array in self.outputs],
                "",
                "Python's standard library and numpy are there. The module runs afresh for every call.",
            ]
        )

    def bound_names(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, int]:
        """Return what each name of a dimension is in ``inputs``. Raises ValueError where they do not fit."""
        names: dict[str, int] = {}
        for array in self.inputs:
            value = inputs[array.name]
            if value.ndim != len(array.shape):
                raise ValueError(f"input {array.name}: expected {len(array.shape)} dimensions, got shape {value.shape}")
            if not array.shape and array.kind == "integer":
                _bind(names, array.name, int(value), array.name)
            for dimension, size in zip(array.shape, value.shape, strict=True):
                if isinstance(dimension, str):
                    _bind(names, dimension, size, array.name)
                elif dimension != size:
                    raise ValueError(f"input {array.name}: expected shape {array.shape}, got {value.shape}")
        return names

    def expected(self, names: Mapping[str, int]) -> tuple[Shaped, ...]:
        """Return the outputs with their dimensions and limits, in order; ``lines_run`` last, where it is counted."""
        counted = (Shaped(LINES, "q", (), 0.0, math.inf),) if self.counts_lines else ()
        answers = tuple(
            Shaped(
                name=array.name,
                code="q" if array.kind == "integer" else "d",
                shape=tuple(names[d] if isinstance(d, str) else d for d in array.shape),
                low=-math.inf if array.low is None else array.low,
                high=_limit(array.high, names),
            )
            for array in self.outputs
        )
        return answers + counted


def _bind(names: dict[str, int], name: str, size: int, array: str) -> None:
    if names.setdefault(name, size) != size:
        raise ValueError(f"input {array}: expected {name} = {names[name]}, as in the inputs before it, got {size}")


def _limit(high: float | str | None, names: Mapping[str, int]) -> float:
    if high is None:
        return math.inf
    if isinstance(high, str):
        base = high.removesuffix("-1")
        return float(names[base] - (base != high))
    return high


class Plan(Protocol):
    """A candidate (or a trusted stand-in) that answers with arrays."""

    def __call__(self, **inputs: Any) -> Arrays:
        """Return the outputs by name, each a fresh array of float64 or int64, checked against the interface.

        ``inputs`` are what the interface names: arrays, or numbers where no shape is given. Raises
        CandidateFault where there is no answer, ValueError for inputs that do not fit the interface.
        """


class PlanProbe(Probe):
    """Calls that tell plans apart: inputs by name, as nested lists."""

    calls: tuple[dict[str, Any], ...]


def as_inputs(interface: PlanInterface, given: Mapping[str, Any]) -> Arrays:
    """Return ``given`` as fresh arrays in the interface's order. Raises ValueError for missing or strange names."""
    wanted = [array.name for array in interface.inputs]
    if set(given) != set(wanted):
        raise ValueError(f"expected the inputs {', '.join(wanted)}, got {', '.join(sorted(given)) or 'none'}")
    return {
        array.name: np.array(given[array.name], dtype=np.int64 if array.kind == "integer" else np.float64, order="C")
        for array in interface.inputs
    }


def refusal(wanted: Shaped, values: NDArray[Any]) -> str | None:
    """Return why ``values`` (of the right shape) are not allowed as this output; None where they are."""
    if wanted.code == "d" and not np.isfinite(values).all():
        return f"{wanted.name}: expected finite numbers, got {values[~np.isfinite(values)].flat[0]!r}"
    if values.size and (values.min() < wanted.low or values.max() > wanted.high):
        wrong = values[(values < wanted.low) | (values > wanted.high)].flat[0]
        return f"{wanted.name}: expected values in [{wanted.low:g}, {wanted.high:g}], got {wrong!r}"
    return None
