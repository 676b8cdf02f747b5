"""The formula kind: a function of one number in float32 operations, which the judge reads and reckons itself.

Nothing of a candidate ever runs. Its text is read into operations, what is not one of them is refused, and the
operations are carried out here, on arrays, each rounded to float32 as IEEE 754 has it (numpy's ``+ - * /`` are).
"""

import ast
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ._contract import Status
from ._errors import CandidateFault
from ._interface import Function, Interface

Float32 = NDArray[np.float32]

COSTS: Mapping[str, int] = {"+": 1, "-": 1, "*": 1, "/": 4, "negate": 1, "abs": 1, "min": 1, "max": 1}
"""What an operation counts for: a division takes about as long as three or four others on today's processors."""
_COMPUTED: Mapping[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "negate": np.negative,
    "abs": np.absolute,
    "min": np.minimum,
    "max": np.maximum,
}
_EITHER_WAY = frozenset({"+", "*", "min", "max"})
_SIGNS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_CALLS = {"abs": 1, "min": 2, "max": 2}
"""Functions that may be called, and with how many arguments."""


class FormulaInterface(Interface):
    """A function of one number, in at most so many operations."""

    kind: ClassVar[str] = "formula"
    function: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    operations: int = Field(ge=1)
    """Most that all operations together may count for."""
    about: str = ""

    @property
    def functions(self) -> tuple[Function, ...]:
        """The one function."""
        return (Function(self.function, ("x",)),)

    def description(self) -> str:
        """Return what may be written, what it counts for, and how it is reckoned."""
        costs = ", ".join(f"{name} {cost}" for name, cost in COSTS.items())
        return "\n".join(
            [
                f"Write one Python file that defines `{self.functions[0].signature}`. {self.about}".rstrip(),
                "",
                "- At the top level: `NAME = number`, and the function. In the function: `name = expression`, one a "
                "line, and `return expression` at the end. No branches, loops, imports or other calls.",
                "- An expression has names, numbers, `+ - * /`, a minus sign, `abs(a)`, `min(a, b)`, `max(a, b)`.",
                "- The judge reads the file and reckons it itself. Every number is float32; every operation is rounded "
                "to float32, to nearest, in the order that is written; products are not fused with sums.",
                f"- Operations count: {costs}. What is written twice counts once, what is reckoned of numbers alone or "
                f"is not used counts nothing. At most {self.operations} together; beyond that it is refused.",
            ]
        )


class Step(NamedTuple):
    """One value of a formula: its argument (``x``), a ``number``, or an operation on earlier values."""

    operator: str
    operands: tuple[int, ...] = ()
    """Places of earlier values."""
    bits: int = 0
    """Of a number: its float32 bits."""


class Formula:
    """A candidate as the judge has read it.

    Args:
        steps: values in an order in which each follows what it is made of; the last is the answer.
    """

    def __init__(self, steps: Sequence[Step]):
        self.steps = tuple(steps)

    @property
    def operations(self) -> int:
        """What all operations together count for."""
        return sum(COSTS.get(step.operator, 0) for step in self.steps)

    @property
    def chain(self) -> int:
        """What the longest chain of operations that wait for one another counts for."""
        ends: list[int] = []
        for step in self.steps:
            before = max((ends[place] for place in step.operands), default=0)
            ends.append(before + COSTS.get(step.operator, 0))
        return ends[-1]

    @property
    def digest(self) -> str:
        """The same for formulas that reckon the same, however they are written."""
        marks: list[str] = []
        for step in self.steps:
            inner = [marks[place] for place in step.operands]
            ordered = sorted(inner) if step.operator in _EITHER_WAY else inner
            told = " ".join([step.operator, str(step.bits), *ordered])
            marks.append(hashlib.blake2b(told.encode(), digest_size=16).hexdigest())
        return marks[-1]

    def __call__(self, x: Float32) -> Float32:
        """Return the answers for arguments of any shape, of that shape; they may be infinite, or not a number."""
        values: list[Any] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                values.append(x if step.operator == "x" else _computed(step, values))
        answer: Float32 = np.broadcast_to(values[-1], x.shape)
        return answer


def _computed(step: Step, values: Sequence[Any]) -> Any:
    if step.operator == "number":
        return _number(step.bits)
    return _COMPUTED[step.operator](*[values[place] for place in step.operands])


def _number(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)


def read_formula(source: str, interface: FormulaInterface) -> Formula:
    """Return what ``source`` reckons. Nothing of it is executed.

    Raises CandidateFault(INVALID) for what is no formula, or one of too many operations.
    """
    try:
        formula = _Reader().read(ast.parse(source), interface.function)
    except SyntaxError as error:
        raise CandidateFault(Status.INVALID, f"line {error.lineno or '?'}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise CandidateFault(Status.INVALID, f"the source does not parse: {error or type(error).__name__}") from None
    if formula.operations > interface.operations:
        raise CandidateFault(
            Status.INVALID,
            f"expected operations that count at most {interface.operations} together, got {formula.operations}",
        )
    return formula


class _Reader:
    """Reads a syntax tree into steps; equal ones are one."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._places: dict[Step, int] = {}

    def read(self, tree: ast.Module, name: str) -> Formula:
        names: dict[str, int] = {}
        function: ast.FunctionDef | None = None
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == name and function is None:
                function = statement
            elif not _is_text(statement):
                target, value = _assigned(statement, f"`NAME = number` or one `def {name}(x)`")
                names[target] = self._expression(value, names)
                if self._steps[names[target]].operator != "number":
                    raise _fault(statement, "a number", ast.unparse(value))
        if function is None:
            raise CandidateFault(Status.INVALID, f"expected a function {name}(x), found none")
        return self._pruned(self._function(function, names))

    def _function(self, function: ast.FunctionDef, names: dict[str, int]) -> int:
        arguments = function.args
        others = [*arguments.posonlyargs, *arguments.kwonlyargs, *arguments.defaults, arguments.vararg, arguments.kwarg]
        if len(arguments.args) != 1 or any(others) or function.decorator_list:
            raise _fault(function, "a plain function of one argument", ast.unparse(arguments))
        names[arguments.args[0].arg] = self._place(Step("x"))
        for statement in function.body:
            if isinstance(statement, ast.Return) and statement.value is not None:
                if statement is not function.body[-1]:
                    raise _fault(statement, "`return` at the end of the function", "one before it")
                return self._expression(statement.value, names)
            if not _is_text(statement):
                target, value = _assigned(statement, "`name = expression` or `return expression`")
                names[target] = self._expression(value, names)
        raise _fault(function, "`return expression` at the end of the function", "none")

    def _expression(self, node: ast.expr, names: Mapping[str, int]) -> int:
        match node:
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(value, bool):
                return self._constant(node, value)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
                operands = [self._expression(side, names) for side in (left, right)]
                return self._operation(node, _SIGNS[type(sign)], operands)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._operation(node, "negate", [self._expression(operand, names)])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._expression(operand, names)
            case ast.Call(func=ast.Name(id=called), args=given, keywords=[]) if _CALLS.get(called) == len(given):
                return self._operation(node, called, [self._expression(each, names) for each in given])
        raise _fault(node, "a known name, a number, `+ - * /`, abs(a), min(a, b) or max(a, b)", ast.unparse(node))

    def _constant(self, node: ast.expr, value: float) -> int:
        try:
            with np.errstate(all="ignore"):
                number = np.float32(float(value))
        except OverflowError:
            number = np.float32(math.inf)
        if not np.isfinite(number):
            raise _fault(node, "numbers within the range of float32", ast.unparse(node))
        return self._place(Step("number", bits=int(number.view(np.uint32))))

    def _operation(self, node: ast.expr, operator: str, operands: Sequence[int]) -> int:
        ordered = sorted(operands) if operator in _EITHER_WAY else operands
        step = Step(operator, tuple(ordered))
        known = [self._steps[place] for place in operands]
        if any(each.operator != "number" for each in known):
            return self._place(step)
        with np.errstate(all="ignore"):
            number = np.float32(_COMPUTED[operator](*[_number(each.bits) for each in known]))
        if not np.isfinite(number):
            raise _fault(node, "numbers within the range of float32", ast.unparse(node))
        return self._place(Step("number", bits=int(number.view(np.uint32))))

    def _place(self, step: Step) -> int:
        if step not in self._places:
            self._places[step] = len(self._steps)
            self._steps.append(step)
        return self._places[step]

    def _pruned(self, answer: int) -> Formula:
        """Return the steps that the answer needs, in the order in which it comes to them."""
        needed, waiting = {answer}, [answer]
        while waiting:
            fresh = set(self._steps[waiting.pop()].operands) - needed
            needed |= fresh
            waiting += fresh
        kept = sorted(needed)
        moved = {place: number for number, place in enumerate(kept)}
        steps = (self._steps[place] for place in kept)
        return Formula([step._replace(operands=tuple(moved[each] for each in step.operands)) for step in steps])


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str)


def _assigned(statement: ast.stmt, expected: str) -> tuple[str, ast.expr]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
    raise _fault(statement, expected, ast.unparse(statement))


def _fault(node: ast.stmt | ast.expr, expected: str, got: str) -> CandidateFault:
    return CandidateFault(Status.INVALID, f"line {node.lineno}: expected {expected}, got {got[:200]}")
