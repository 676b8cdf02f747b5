"""Random edits of a Python program, by a generator that knows nothing but the program's own text.

Literals move, operators change, a part grows, shrinks or is wrapped, a statement appears or goes. Names come from
the program itself, constants from a fixed distribution.
"""

import ast
import math
from collections.abc import Callable
from random import Random

LARGEST = 120
"""Expression nodes above which edits only make a program smaller."""
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_ORDERS = (ast.Lt, ast.Gt)
_TRIES = 30

Place = tuple[ast.AST, str, int | None]
"""An expression by its parent node, the field it stands in, and its place in that field where it is a list."""


def edited(source: str, rng: Random, kind: str | None = None) -> str:
    """Return ``source`` with one to three random edits; it parses and differs from ``source``.

    With a ``kind`` it is one edit of that kind, a name of ``KINDS``.

    Raises:
        SyntaxError: ``source`` is no Python.
    """
    plain = ast.unparse(ast.parse(source))
    for _ in range(_TRIES):
        tree = ast.parse(source)
        for _ in range(1 if kind else rng.choices((1, 2, 3), (6, 3, 1))[0]):
            _edit(tree, rng, kind)
        text = ast.unparse(ast.fix_missing_locations(tree))
        if text != plain:
            return text + "\n"
    return f"{plain}\nSPARE_{rng.randrange(10**6)} = 0\n"


def crossed(source: str, other: str, rng: Random) -> str:
    """Return ``source`` with one of its expressions replaced by one of ``other``; without a common ground, an edit.

    Raises:
        SyntaxError: one of them is no Python.
    """
    tree, donor = ast.parse(source), ast.parse(other)
    names = set(_names(tree))
    given = [_at(place) for place in _values(_places(donor))]
    given = [node for node in given if isinstance(node, ast.BinOp | ast.IfExp | ast.Call) and _uses(node) <= names]
    places = _values(_places(tree))
    if not given or not places:
        return edited(source, rng)
    node = rng.choice(given)
    assert isinstance(node, ast.expr)
    _put(rng.choice(places), node)
    text = ast.unparse(ast.fix_missing_locations(tree))
    return text + "\n" if text != ast.unparse(ast.parse(source)) else edited(source, rng)


def _uses(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - {"abs", "min", "max"}


def _edit(tree: ast.Module, rng: Random, kind: str | None) -> None:
    places, names = _places(tree), _names(tree)
    if not places or not names:
        return
    if kind:
        KINDS[kind][0](places, names, rng)
    elif sum(isinstance(node, ast.expr) for node in ast.walk(tree)) > LARGEST:
        _shrink(places, names, rng)
    elif rng.random() < 0.08:
        _statement(tree, names, rng)
    else:
        edits, weights = zip(*KINDS.values(), strict=True)
        rng.choices(edits, weights)[0](places, names, rng)


def _places(tree: ast.Module) -> list[Place]:
    """Return every expression of a value: of an assignment to one name, of a return, of a condition."""
    found: list[Place] = []

    def walk(parent: ast.AST, field: str, index: int | None) -> None:
        node = _at((parent, field, index))
        found.append((parent, field, index))
        for name in ("left", "right", "operand", "test", "body", "orelse"):
            if isinstance(getattr(node, name, None), ast.expr):
                walk(node, name, None)
        for name in ("args", "comparators"):
            for number, _ in enumerate(getattr(node, name, ())):
                walk(node, name, number)

    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Return) and node.value and not isinstance(node.value, ast.Tuple):
            walk(node, "value", None)
        elif isinstance(node, ast.If):
            walk(node, "test", None)
    return found


def _names(tree: ast.Module) -> list[str]:
    """Return the names that the program's functions assign."""
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    # What is assigned late may be read early: the names of the first statement are safe everywhere.
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and isinstance(function.body[0], ast.Assign):
            first = function.body[0].targets[0]
            stored = {node.id for node in ast.walk(first) if isinstance(node, ast.Name)}
    return sorted(stored)


def _at(place: Place) -> ast.AST:
    parent, field, index = place
    value = getattr(parent, field)
    found: ast.AST = value if index is None else value[index]
    return found


def _put(place: Place, node: ast.expr) -> None:
    parent, field, index = place
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _leaf(names: list[str], rng: Random) -> ast.expr:
    if rng.random() < 0.65:
        return ast.Name(rng.choice(names), ast.Load())
    return ast.Constant(_rounded(math.exp(rng.gauss(0.0, 1.2))))


def _tree(names: list[str], rng: Random) -> ast.expr:
    if rng.random() < 0.6:
        return _leaf(names, rng)
    return _joined(_leaf(names, rng), _leaf(names, rng), rng)


def _joined(left: ast.expr, right: ast.expr, rng: Random) -> ast.expr:
    operator = rng.choice(_OPERATORS)()
    if isinstance(operator, ast.Div):
        positive = ast.Call(ast.Name("abs", ast.Load()), [right], [])
        right = ast.BinOp(positive, ast.Add(), ast.Constant(_rounded(rng.uniform(0.05, 1.5))))
    return ast.BinOp(left, operator, right)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _perturb(places: list[Place], names: list[str], rng: Random) -> None:
    numbers = [place for place in places if isinstance(getattr(_at(place), "value", None), int | float)]
    if not numbers:
        return _extend(places, names, rng)
    place = rng.choice(numbers)
    value = float(_at(place).value)  # type: ignore[attr-defined]
    moved = value * math.exp(rng.gauss(0.0, 0.6)) if value else rng.uniform(0.0, 1.0)
    if rng.random() < 0.1:
        return _put(place, ast.UnaryOp(ast.USub(), ast.Constant(_rounded(moved))))
    return _put(place, ast.Constant(_rounded(moved)))


def _swap(places: list[Place], names: list[str], rng: Random) -> None:
    nodes = [node for node in map(_at, places) if isinstance(node, ast.BinOp | ast.Compare)]
    if not nodes:
        return _extend(places, names, rng)
    node = rng.choice(nodes)
    if isinstance(node, ast.Compare):
        node.ops = [rng.choice(_ORDERS)()]
    else:
        node.op = rng.choice(_OPERATORS)()
    return None


def _values(places: list[Place]) -> list[Place]:
    return [place for place in places if not isinstance(_at(place), ast.Compare)]


def _replace(places: list[Place], names: list[str], rng: Random) -> None:
    _put(rng.choice(_values(places)), _tree(names, rng))


def _extend(places: list[Place], names: list[str], rng: Random) -> None:
    place = rng.choice(_values(places))
    old = _at(place)
    assert isinstance(old, ast.expr)
    new = _tree(names, rng)
    _put(place, _joined(old, new, rng) if rng.random() < 0.8 else _joined(new, old, rng))


def _shrink(places: list[Place], names: list[str], rng: Random) -> None:
    larger = [place for place in places if isinstance(_at(place), ast.BinOp | ast.IfExp | ast.UnaryOp | ast.Call)]
    if not larger:
        return
    place = rng.choice(larger)
    node = _at(place)
    parts = [getattr(node, name, None) for name in ("left", "right", "operand", "body", "orelse")]
    kept = [part for part in [*parts, *getattr(node, "args", ())] if isinstance(part, ast.expr)]
    _put(place, rng.choice(kept))


def _wrap(places: list[Place], names: list[str], rng: Random) -> None:
    place = rng.choice(_values(places))
    old = _at(place)
    assert isinstance(old, ast.expr)
    name = rng.choice(("min", "max", "abs"))
    _put(place, ast.Call(ast.Name(name, ast.Load()), [old] if name == "abs" else [old, _leaf(names, rng)], []))


def _choose(places: list[Place], names: list[str], rng: Random) -> None:
    place = rng.choice(_values(places))
    old = _at(place)
    assert isinstance(old, ast.expr)
    test = ast.Compare(_leaf(names, rng), [rng.choice(_ORDERS)()], [_leaf(names, rng)])
    _put(place, ast.IfExp(test, old, _tree(names, rng)))


def _statement(tree: ast.Module, names: list[str], rng: Random) -> None:
    """Put an assignment before a function's return, or take one away that is not the first nor defines a name."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    body = rng.choice(functions).body
    spare = [number for number, each in enumerate(body) if number > 1 and isinstance(each, ast.Assign)]
    if spare and rng.random() < 0.4:
        del body[rng.choice(spare)]
        return
    last = body[-2].targets[0] if len(body) > 1 and isinstance(body[-2], ast.Assign) else None
    name = last.id if isinstance(last, ast.Name) else rng.choice(names)
    value = _joined(ast.Name(name, ast.Load()), _tree(names, rng), rng)
    body.insert(len(body) - 1, ast.Assign([ast.Name(name, ast.Store())], value))


KINDS: dict[str, tuple[Callable[[list[Place], list[str], Random], None], float]] = {
    "perturb": (_perturb, 3.0),
    "swap": (_swap, 1.5),
    "replace": (_replace, 1.5),
    "extend": (_extend, 3.0),
    "shrink": (_shrink, 1.0),
    "wrap": (_wrap, 1.0),
    "choose": (_choose, 0.7),
}
"""The edits of expressions and how often each is made."""
