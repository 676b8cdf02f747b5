"""Changes of a formula's shape: each returns the changed text, None where it found nothing.

    rewrite   the same, were nothing rounded: a product or a sum of three in another order, a factor taken into a sum
              or out of it, what a sum of two loses brought back (Dekker 1971), what a name stands for in its place
    degree    a polynomial's last number becomes a sum with a further term, or a last term goes
    scale     a factor before a product or a quotient, or one that goes: other numbers can take it over

What rounding does is another thing after each; what the last two change, other numbers make good.
"""

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ._python_changes import Bench
from ._python_source import Place, Source, is_number, visible_at

_LEAST, _MOST = 0.001, 0.5
"""Sizes of a further term's number, as shares of the last one."""
_INLINED = 0.2
"""How often a name gives way to what it stands for: that alone changes nothing, but what else can be done."""
_DEEPEST = 3
"""Sums within one another whose terms are taken for those of one."""


class _Term(NamedTuple):
    """What a sum is made of."""

    positive: bool
    node: ast.expr


def rewrite(source: Source, bench: Bench) -> str | None:
    """Reckon an expression in another way that gives the same, were nothing rounded."""
    inlined = bench.rng.random() < _INLINED
    places = [place for place in source.places if isinstance(place.node, ast.Name) == inlined]
    found = [[(place, other) for other in _equals(place)] for place in places]
    options = [each for each in found if each]
    if not options:
        return None
    place, other = bench.rng.choice(bench.rng.choice(options))
    return source.replaced(place, copy.deepcopy(other))


def degree(source: Source, bench: Bench) -> str | None:
    """Give a polynomial a further term, or take its last."""
    if bench.rng.random() < 0.5:
        return _shortened(source, bench)
    ends = [place for place in source.places if isinstance(place.parent, ast.BinOp) and _is_value(place.node, source)]
    if not ends:
        return None
    place = bench.rng.choice(ends)
    names = sorted(visible_at(source, place.above, place.node.lineno) - source.module_names)
    if not names:
        return None
    number = _size(place.node, source) * _LEAST * (_MOST / _LEAST) ** bench.rng.random()
    term = _product(ast.Name(bench.rng.choice(names), ast.Load()), _constant(number))
    return source.replaced(place, ast.BinOp(place.node, bench.rng.choice((ast.Add(), ast.Sub())), term))


def _shortened(source: Source, bench: Bench) -> str | None:
    found = []
    for place in source.places:
        match place.node:
            case ast.BinOp(kept, ast.Add() | ast.Sub(), ast.BinOp(_, ast.Mult(), last)) if _is_value(last, source):
                found.append((place, kept))
    if not found:
        return None
    place, kept = bench.rng.choice(found)
    return source.replaced(place, kept)


def scale(source: Source, bench: Bench) -> str | None:
    """Put a factor before a product or a quotient, or take one away."""
    options: list[tuple[Place, ast.expr]] = []
    for place in source.places:
        match place.node:
            case ast.BinOp(first, ast.Mult(), second):
                options += [(place, second)] if _is_value(first, source) else []
                options += [(place, first)] if _is_value(second, source) else []
        match place.node:
            case ast.BinOp(_, ast.Mult() | ast.Div(), _):
                options.append((place, _product(_constant(2.0 ** bench.rng.uniform(-1.0, 1.0)), place.node)))
    if not options:
        return None
    place, node = bench.rng.choice(options)
    return source.replaced(place, node)


def _equals(place: Place) -> Iterator[ast.expr]:
    """Yield what equals an expression, were nothing rounded."""
    yield from _reordered(place.node)
    yield from _distributed(place.node)
    terms = list(_terms(place.node))
    if len(terms) > 2:
        yield from _sums(terms)
    if isinstance(place.node, ast.Name) and place.function is not None:
        yield from _meanings(place.node.id, place.function)


def _reordered(node: ast.expr) -> Iterator[ast.expr]:
    """Yield a product of three, or a product and a quotient, with its operations in another order."""
    match node:
        case ast.BinOp(ast.BinOp(a, ast.Mult(), b), ast.Mult(), c) | ast.BinOp(
            c, ast.Mult(), ast.BinOp(a, ast.Mult(), b)
        ):
            yield _product(_product(a, c), b)
            yield _product(_product(b, c), a)
    match node:
        case ast.BinOp(a, ast.Mult(), ast.BinOp(b, ast.Div(), c)) | ast.BinOp(
            ast.BinOp(b, ast.Div(), c), ast.Mult(), a
        ):
            yield ast.BinOp(_product(a, b), ast.Div(), c)
        case ast.BinOp(ast.BinOp(a, ast.Mult(), b), ast.Div(), c):
            yield _product(a, ast.BinOp(b, ast.Div(), c))
            yield _product(b, ast.BinOp(a, ast.Div(), c))


def _distributed(node: ast.expr) -> Iterator[ast.expr]:
    """Yield a product with a sum as a sum of products, and the other way round."""
    match node:
        case ast.BinOp(a, ast.Mult(), ast.BinOp(b, ast.Add() | ast.Sub() as sign, c)) | ast.BinOp(
            ast.BinOp(b, ast.Add() | ast.Sub() as sign, c), ast.Mult(), a
        ):
            yield ast.BinOp(_product(a, b), sign, _product(a, c))
        case ast.BinOp(ast.BinOp(a, ast.Mult(), b), ast.Add() | ast.Sub() as sign, ast.BinOp(c, ast.Mult(), d)):
            for one, first in ((a, b), (b, a)):
                for other, second in ((c, d), (d, c)):
                    if ast.dump(one) == ast.dump(other):
                        yield _product(one, ast.BinOp(first, sign, second))


def _sums(terms: Sequence[_Term]) -> Iterator[ast.expr]:
    """Yield three terms or more, any one first or last; and any two first, what their sum loses brought back."""
    for number, term in enumerate(terms):
        rest = [*terms[:number], *terms[number + 1 :]]
        yield _added(_summed(rest), term)
        yield _added(_summed([term]), _Term(True, _summed(rest)))
        if term.positive:
            for other in rest:
                left = [each for each in rest if each is not other]
                total = _added(term.node, other)
                lost = _added(_summed([other]), _Term(False, ast.BinOp(total, ast.Sub(), term.node)))
                yield ast.BinOp(total, ast.Add(), _added(lost, _Term(True, _summed(left))))


def _meanings(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what a name is given in the function: of a name that is given something twice, nothing."""
    given = [each for each in function.body if isinstance(each, ast.Assign) and name in map(ast.unparse, each.targets)]
    if len(given) == 1 and not isinstance(given[0].value, ast.Constant):
        yield given[0].value


def _terms(node: ast.expr, positive: bool = True, deep: int = _DEEPEST) -> Iterator[_Term]:
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right) if deep:
            yield from _terms(left, positive, deep - 1)
            yield from _terms(right, positive == isinstance(sign, ast.Add), deep - 1)
        case _:
            yield _Term(positive, node)


def _summed(terms: Sequence[_Term]) -> ast.expr:
    """Return a sum in the order of its terms, but for a positive one that is first where there is any."""
    first, *rest = sorted(terms, key=lambda term: not term.positive)
    total = first.node if first.positive else ast.UnaryOp(ast.USub(), first.node)
    for term in rest:
        total = _added(total, term)
    return total


def _added(total: ast.expr, term: _Term) -> ast.expr:
    """Return a sum of two; a sign before the second is taken into it."""
    match term.node:
        case ast.UnaryOp(ast.USub(), operand):
            return _added(total, _Term(not term.positive, operand))
    return ast.BinOp(total, ast.Add() if term.positive else ast.Sub(), term.node)


def _is_value(node: ast.expr, source: Source) -> bool:
    return is_number(node) or (isinstance(node, ast.Name) and node.id in source.module_names)


def _size(node: ast.expr, source: Source) -> float:
    """Return the size of a number, or of what a name at the top level stands for."""
    if isinstance(node, ast.Name):
        named = (each for each in source.tree.body if isinstance(each, ast.Assign))
        given = next((each.value for each in named if node.id in map(ast.unparse, each.targets)), None)
        return _size(given, source) if given is not None and not isinstance(given, ast.Name) else 1.0
    if isinstance(node, ast.UnaryOp):
        return _size(node.operand, source)
    value = node.value if isinstance(node, ast.Constant) else None
    return abs(float(value)) if isinstance(value, int | float) else 1.0


def _product(a: ast.expr, b: ast.expr) -> ast.expr:
    return ast.BinOp(a, ast.Mult(), b)


def _constant(value: float) -> ast.expr:
    return ast.Constant(float(f"{value:.9g}"))


SHAPES: dict[str, Callable[[Source, Bench], str | None]] = {"rewrite": rewrite, "degree": degree, "scale": scale}
