"""Sizes that stand in a source as literals, and the same source with other ones.

They are rewritten in the text before it runs: what a source reckons from its sizes follows. Set afterwards, a size
would leave the derived ones as they were.
"""

import ast
from collections.abc import Mapping
from typing import NamedTuple

from .._errors import ProblemError

SMALLEST = 64
"""A smaller literal is no size to shrink: kernel sizes, strides, heads."""


class Literal(NamedTuple):
    """A whole number in a module's top-level assignment."""

    name: str
    """The assigned name; of a tuple's elements with the place: ``input_shape_0``."""
    value: int
    start: int
    """Where it stands in the UTF-8 text, in bytes."""
    end: int


def parsed(source: str, name: str) -> ast.Module:
    """Return the syntax tree. Raises ProblemError that says where it is not Python."""
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ProblemError(f"{name}: line {error.lineno or '?'}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ProblemError(f"{name}: does not compile: {error}") from None


def literals(source: str, name: str) -> list[Literal]:
    """Return the whole numbers that top-level assignments of ``source`` give, alone, in a product or in a tuple.

    Raises ProblemError where it is not Python.
    """
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for statement in parsed(source, name).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or value is None:
            continue
        several = isinstance(value, ast.Tuple | ast.List)
        for i, node in enumerate(value.elts if isinstance(value, ast.Tuple | ast.List) else [value]):
            number = _number(node)
            if number is not None and node.end_lineno is not None and node.end_col_offset is not None:
                begin = starts[node.lineno - 1] + node.col_offset
                end = starts[node.end_lineno - 1] + node.end_col_offset
                found.append(Literal(f"{targets[0].id}_{i}" if several else targets[0].id, number, begin, end))
    return found


def _number(node: ast.expr) -> int | None:
    """Return the value of a whole number, or of sums and products of some; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int and node.value.bit_length() < 64 else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Add | ast.Sub | ast.FloorDiv):
        left, right = _number(node.left), _number(node.right)
        if left is None or right is None or (isinstance(node.op, ast.FloorDiv) and right == 0):
            return None
        return {
            ast.Mult: left * right,
            ast.Add: left + right,
            ast.Sub: left - right,
            ast.FloorDiv: left // (right or 1),
        }[type(node.op)]
    return None


def rewritten(source: str, found: list[Literal], values: Mapping[str, int]) -> str:
    """Return the source with other values for the literals that ``values`` names; all else, lines too, as it was."""
    data = source.encode()
    for literal in sorted(found, key=lambda each: -each.start):
        value = values.get(literal.name, literal.value)
        if value != literal.value:
            data = data[: literal.start] + str(value).encode() + data[literal.end :]
    return data.decode()


def capped(value: int, cap: int) -> int:
    """Return ``value`` halved until it is no more than ``cap``: what divided it mostly still does."""
    while value > cap:
        value //= 2
    return value


def divided(value: int, factor: int) -> int:
    """Return a size of at least ``SMALLEST`` divided by ``factor``; a smaller one is left as it is."""
    return max(1, value // factor) if value >= SMALLEST else value
