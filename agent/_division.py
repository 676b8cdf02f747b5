"""Keeping changed programs from dividing by zero.

A divisor that a human (or a judged ancestor) wrote is trusted; one that a change brought in is guarded unless
it cannot be zero by its form and by what the probe has shown.
"""

import ast
from collections.abc import Iterable

from ._growth import call, constant
from ._program import magnitude
from ._vocabulary import Vocabulary

_FLOOR = 1e-6


def divisors(tree: ast.AST) -> frozenset[str]:
    """Return the shapes of all divisors below ``tree``, whatever their constants."""
    return frozenset(_shape(node.right) for node in _divisions(tree))


def guard_divisions(tree: ast.AST, trusted: frozenset[str], vocabulary: Vocabulary) -> None:
    """Bound the divisors away from zero that are neither trusted nor positive by form."""
    for node in list(_divisions(tree)):
        if _shape(node.right) not in trusted and not _positive(node.right, vocabulary):
            node.right = call("max", call("abs", node.right), constant(_FLOOR))


def _divisions(tree: ast.AST) -> Iterable[ast.BinOp]:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            yield node


def _shape(node: ast.expr) -> str:
    """Return a divisor's structure; a constant counts as zero or not."""
    text = ast.dump(node)
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, int | float) and each.value:
            text = text.replace(ast.dump(each), "Constant", 1)
    return text


def _positive(node: ast.expr, vocabulary: Vocabulary) -> bool:
    match node:
        case ast.Constant(value=int() | float()):
            return magnitude(node) > 0
        case ast.Attribute(attr=name):
            return vocabulary.never_zero(name)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div(), right=right):
            return _positive(left, vocabulary) and _positive(right, vocabulary)
        case ast.BinOp(left=left, op=ast.Pow()):
            return _positive(left, vocabulary)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            either = _positive(left, vocabulary) or _positive(right, vocabulary)
            return either and _at_least_zero(left, vocabulary) and _at_least_zero(right, vocabulary)
        case ast.Call(func=ast.Name(id="max"), args=arguments):
            return any(_positive(each, vocabulary) for each in arguments)
        case ast.Call(func=ast.Name(id="min"), args=arguments):
            return bool(arguments) and all(_positive(each, vocabulary) for each in arguments)
        case ast.Call(func=ast.Name(id="abs"), args=[argument]):
            return _positive(argument, vocabulary)
    return False


def _at_least_zero(node: ast.expr, vocabulary: Vocabulary) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="abs")):
            return True
        case ast.Attribute(attr=name):
            return vocabulary.never_negative(name)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult() | ast.Div(), right=right):
            return _at_least_zero(left, vocabulary) and _at_least_zero(right, vocabulary)
    return _positive(node, vocabulary)
