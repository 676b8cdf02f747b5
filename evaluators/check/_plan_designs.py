"""Trivial, prying and hostile plans, made from the interface alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from .._contract import Candidate
from .._plan import Array, Arrays, PlanInterface
from .._problem import Problem
from ._python_attacks import Attack, Seen, appended, attacks, digest, memorising
from ._trials import Design

FAR = 1e12
"""Stands for the end of a range that has none."""


class PlanDesigns:
    """See ``KindDesigns``."""

    def constants(self, problem: Problem[Any]) -> list[Design]:
        """Return plans that do not look: all lowest, zero, highest, counting up, or at random."""
        interface = _interface(problem)
        span = {array.name: _span(interface, array) for array in interface.outputs}
        found: dict[str, Callable[[Array], str]] = {
            "all the lowest": lambda array: f"np.full({_shape(interface, array)}, {_low(array)})",
            "all zero": lambda array: f"np.full({_shape(interface, array)}, {_held(interface, array, '0.0')})",
            "all the highest": lambda array: f"np.full({_shape(interface, array)}, {_high(interface, array)})",
            "counting up": lambda array: (
                f"{_low(array)} + np.arange(int(np.prod({_shape(interface, array)}))) % ({span[array.name]} + 1)"
            ),
            "at random": lambda array: (
                f"{_low(array)} + np.random.default_rng(0).random({_shape(interface, array)}) * ({span[array.name]})"
            ),
        }
        return [
            Design(name, _written(interface, [write(array) for array in interface.outputs]), "constant")
            for name, write in found.items()
        ]

    def rules(self, problem: Problem[Any], honest: Candidate) -> list[Design]:
        """Return plans in which one output of the honest one follows one input, or is always the same."""
        interface = _interface(problem)
        designs = []
        for place, output in enumerate(interface.outputs):
            for name, answer in _rules(interface, output):
                text = _wrapped(interface, place, _typed(interface, output, answer))
                designs.append(appended(honest, name, text)._replace(role="rule"))
        return designs

    def attacks(self, problem: Problem[Any], honest: Candidate, claim: float, hidden: Sequence[str]) -> list[Attack]:
        """Return hostile plans that stand on the honest one."""
        interface = _interface(problem)
        found = attacks(honest, interface.functions, claim, hidden)
        beyond = []
        for place, output in enumerate(interface.outputs):
            ends = [f"{_low(output)} - 1"] if output.low is not None else []
            ends += [f"{_high(interface, output)} + 1"] if output.high is not None else []
            ends += ["np.nan"] if output.kind == "number" else ["0.5"]
            for end in ends:
                text = _wrapped(interface, place, f"np.full({_shape(interface, output)}, {end})")
                beyond.append(appended(honest, f"{output.name} all {end}", text))
            text = _wrapped(interface, place, "np.zeros((3, 1, 2))")
            beyond.append(appended(honest, f"{output.name} of another shape", text))
        names = ", ".join(array.name for array in interface.inputs)
        call = f"_honest({names})"
        spoil = f"_honest = {interface.function}\n\n\ndef {interface.functions[0].signature}:\n    answer = {call}\n"
        spoil += f"    for given in ({names},):\n        if hasattr(given, 'fill'):\n            given.fill(0)\n"
        spoil += "    return answer\n"
        # Under a name of its own: where the lines of the candidate's file are counted, these are not among them.
        spoil = f"exec(compile({spoil!r}, 'attack', 'exec'), globals())\n"
        return [
            *found,
            Attack(appended(honest, "changes what it is shown", spoil), "as honest"),
            *[Attack(design, "no answer") for design in beyond],
        ]

    def memorising(self, problem: Problem[Any], honest: Candidate, plain: Candidate, names: Sequence[str]) -> Design:
        """Return a plan that knows the train workloads ``names`` by the first call each begins with."""
        interface = _interface(problem)
        first = [_first_question(problem, name) for name in names]
        return memorising(honest, plain, interface.functions, first)


def _interface(problem: Problem[Any]) -> PlanInterface:
    assert isinstance(problem.interface, PlanInterface)
    return problem.interface


def _written(interface: PlanInterface, answers: Sequence[str]) -> Candidate:
    typed = [_typed(interface, array, answer) for array, answer in zip(interface.outputs, answers, strict=True)]
    returned = typed[0] if len(typed) == 1 else f"({', '.join(typed)})"
    text = f"import numpy as np\n\n\ndef {interface.functions[0].signature}:\n    return {returned}\n"
    return Candidate.from_source(text)


def _wrapped(interface: PlanInterface, place: int, answer: str) -> str:
    """Return text that calls the honest plan and replaces one of its outputs."""
    names = ", ".join(array.name for array in interface.inputs)
    lines = ["import numpy as np", "", f"_honest = {interface.function}", "", ""]
    lines += [f"def {interface.functions[0].signature}:"]
    if len(interface.outputs) == 1:
        lines += [f"    return {answer}"]
    else:
        lines += [f"    answer = list(_honest({names}))", f"    answer[{place}] = {answer}", "    return tuple(answer)"]
    return "\n".join([*lines, ""])


def _typed(interface: PlanInterface, array: Array, answer: str) -> str:
    kind = "np.int64" if array.kind == "integer" else "np.float64"
    return f"np.asarray({answer}).astype({kind}).reshape({_shape(interface, array)})"


def _dimension(interface: PlanInterface, dimension: int | str) -> str:
    """Return the expression of a dimension: a number, the length of an input, or a whole-number input."""
    if isinstance(dimension, int):
        return str(dimension)
    for array in interface.inputs:
        if dimension in array.shape:
            return f"{array.name}.shape[{array.shape.index(dimension)}]"
    return f"int({dimension})"


def _shape(interface: PlanInterface, array: Array) -> str:
    sizes = "".join(f"{_dimension(interface, dimension)}, " for dimension in array.shape)
    return f"({sizes.rstrip()})"


def _low(array: Array) -> str:
    return repr(-FAR if array.low is None else float(array.low))


def _high(interface: PlanInterface, array: Array) -> str:
    if isinstance(array.high, str):
        base = array.high.removesuffix("-1")
        return f"({_dimension(interface, base)}{' - 1' if base != array.high else ''})"
    return repr(FAR if array.high is None else float(array.high))


def _span(interface: PlanInterface, array: Array) -> str:
    return f"({_high(interface, array)} - ({_low(array)}))"


def _held(interface: PlanInterface, array: Array, expression: str) -> str:
    return f"np.clip({expression}, {_low(array)}, {_high(interface, array)})"


def _rules(interface: PlanInterface, output: Array) -> Iterator[tuple[str, str]]:
    if len(interface.outputs) > 1:
        constants = (("lowest", _low(output)), ("zero", "0.0"), ("highest", _high(interface, output)))
        for name, value in constants:
            full = f"np.full({_shape(interface, output)}, {_held(interface, output, value)})"
            yield f"{output.name} always {name}", full
    for given in interface.inputs:
        if given.shape != output.shape:
            continue
        yield f"{output.name} = {given.name}", _held(interface, output, f"np.rint({given.name})")
        if len(given.shape) == 1:
            for sign, words in (("", "least"), ("-", "most")):
                order = f"np.argsort({sign}{given.name}, kind='stable')"
                wrapped = f"({_low(output)} + {{}} % ({_span(interface, output)} + 1))"
                yield f"{output.name} = {words} {given.name} first", wrapped.format(order)
                yield f"{output.name} = rank by {words} {given.name}", wrapped.format(f"np.argsort({order})")


def _first_question(problem: Problem[Any], name: str) -> str:
    """Return the digest of what a plan is asked first on a train workload."""
    workload = next(each for each in problem.workloads("train") if each.name == name)
    asked = _Asked([array.name for array in _interface(problem).inputs])
    with suppress(Seen):
        problem.measure(asked, workload)
    return digest(asked.seen)


class _Asked:
    """Ends the measuring with the first call. Implements ``Plan``."""

    def __init__(self, names: Sequence[str]):
        self.seen: list[float] = []
        self._names = names

    def __call__(self, **inputs: Any) -> Arrays:
        # In the interface's order, which is the order that a candidate is called in.
        self.seen = [float(number) for name in self._names for number in np.ravel(inputs[name])]
        raise Seen
