"""Changes that bring the material of a second Python program into a first; see ``_python_changes``."""

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from textwrap import indent
from typing import TypeVar

from ._digits import as_fine, digits_of
from ._python_changes import BUILTINS, Bench, is_quantity, shapes_in, small
from ._python_source import (
    Place,
    Role,
    Source,
    Step,
    bound_by,
    edited,
    is_number,
    parsed,
    read_by,
    visible_at,
)
from ._shapes import Shapes, agree, shape_of

PythonCrossover = Callable[[Source, Source, Bench], str | None]

N = TypeVar("N", bound=ast.AST)

_WEIGHTS: dict[Role, float] = {"rank": 6.0, "test": 2.0, "number": 1.0}
"""How often an expression of a role is exchanged."""
_LEAVES = (ast.While, ast.Return)
_JUMPS = (ast.Break, ast.Continue)


def function(source: Source, mate: Source, bench: Bench) -> str | None:
    """Take over a whole function of the mate with the same name and parameters, and what it needs."""
    options = [
        step
        for step in source.steps
        if isinstance(step.node, ast.FunctionDef) and _counterpart(step.node, mate) is not None
    ]
    if not options:
        return None
    step = bench.rng.choice(options)
    assert isinstance(step.node, ast.FunctionDef)
    moved = _counterpart(step.node, mate)
    assert moved is not None
    needed = _needed(moved, mate)
    renamed = {name: _fresh(name, source) for name in needed if _clashes(name, source, mate)}
    parts = [copy.deepcopy(_definition(name, mate)) for name in needed] + [copy.deepcopy(moved)]
    kept = [part for part, name in zip(parts, [*needed, ""], strict=True) if not _has(name, source, renamed)]
    for part in kept:
        _rename(part, renamed)
    text = "\n\n".join(ast.unparse(part) for part in kept) + "\n"
    pad = source.text[step.start : source.span(step.node)[0]] if not step.node.decorator_list else ""
    child = edited(source.text, step.start, step.end, indent(text, pad))
    return child if parsed(child) else None


def _counterpart(own: ast.FunctionDef, mate: Source) -> ast.FunctionDef | None:
    """Return the mate's function of that name and signature, if it is another one."""
    found = mate.functions.get(own.name)
    if found is None or len(found.args.args) != len(own.args.args) or ast.dump(found) == ast.dump(own):
        return None
    return found


def _needed(node: ast.AST, mate: Source) -> list[str]:
    """Return the mate's top-level names that ``node`` needs, in the order they are defined there."""
    wanted: set[str] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        names = {name.id for name in ast.walk(each) if isinstance(name, ast.Name)} & mate.module_names
        if isinstance(each, ast.FunctionDef):
            names -= {each.name}
        for name in sorted(names - wanted):
            wanted.add(name)
            waiting.append(_definition(name, mate))
    own = getattr(node, "name", None)
    return [name for name in _in_order(mate) if name in wanted and name != own]


def _in_order(mate: Source) -> Iterator[str]:
    seen: set[str] = set()
    for statement in mate.tree.body:
        for name in bound_by(statement):
            if name not in seen:
                seen.add(name)
                yield name


def _definition(name: str, mate: Source) -> ast.stmt:
    return next(statement for statement in mate.tree.body if name in bound_by(statement))


def _clashes(name: str, source: Source, mate: Source) -> bool:
    """Return whether the name means another thing in ``source``."""
    if name not in source.module_names:
        return False
    return ast.dump(_definition(name, source)) != ast.dump(_definition(name, mate))


def _has(name: str, source: Source, renamed: dict[str, str]) -> bool:
    return name in source.module_names and name not in renamed


def _fresh(name: str, source: Source) -> str:
    return next(f"{name}_{count}" for count in range(2, 1000) if f"{name}_{count}" not in source.text)


def _rename(tree: ast.AST, renamed: dict[str, str]) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in renamed:
            node.id = renamed[node.id]
        elif isinstance(node, ast.FunctionDef) and node.name in renamed:
            node.name = renamed[node.name]


def splice(source: Source, mate: Source, bench: Bench) -> str | None:
    """Put an expression of the mate in the place of one of the same role, or reckon it into that."""
    sites, donors, shapes = _reckoned(source), _reckoned(mate), shapes_in(source, bench)
    for _ in range(12):
        if not sites or not donors:
            return None
        site = bench.rng.choices(sites, [_weight(place) for place in sites])[0]
        fitting = [place for place in donors if place.role == site.role]
        if not fitting:
            continue
        donor = bench.rng.choices(fitting, [_weight(place) for place in fitting])[0]
        moved = _translated(donor, site, source, mate)
        if moved is None or not _fits(moved, site, shapes) or ast.dump(moved) == ast.dump(site.node):
            continue
        plain = not isinstance(moved, ast.Tuple) and not isinstance(site.node, ast.Tuple)
        if site.role != "test" and plain and small(site.node) and bench.rng.random() < 0.4:
            weight = ast.Constant(float(f"{bench.spread(1.5):.3g}"))
            moved = ast.BinOp(site.node, ast.Add(), ast.BinOp(weight, ast.Mult(), moved))
        child = source.replaced(site, moved)
        if child is not None:
            return child
    return None


def _fits(node: ast.expr, site: Place, shapes: Mapping[str, Shapes]) -> bool:
    """Return whether the shapes agree, as far as they are known; an order is not made by one number."""
    names = shapes.get(site.function.name) if site.function is not None else None
    if names is None:
        return True
    own, new = shape_of(site.node, names), shape_of(node, names)
    return own == new if site.role == "rank" else agree(own, new)


def _reckoned(source: Source) -> list[Place]:
    return [place for place in source.places if place.role in _WEIGHTS and is_quantity(place, source)]


def transplant(source: Source, mate: Source, bench: Bench) -> str | None:
    """Insert a statement of the mate before one of the same function, or put it in its place."""
    sites = [step for step in source.steps if _function(step) is not None]
    donors = [
        step
        for step in mate.steps
        if _function(step) is not None and not isinstance(step.node, ast.Return | ast.FunctionDef | ast.Pass)
    ]
    for _ in range(12):
        if not sites or not donors:
            return None
        # A whole loop put before the return is a second stage; single statements seldom mean anything elsewhere.
        site = bench.rng.choices(sites, [4.0 if isinstance(step.node, ast.Return) else 1.0 for step in sites])[0]
        donor = bench.rng.choices(donors, [6.0 if isinstance(step.node, ast.For) else 1.0 for step in donors])[0]
        node = _carried(donor.node, donor.above, site, source, mate)
        if node is None or ast.dump(node) == ast.dump(site.node):
            continue
        pad = source.text[site.start : source.span(site.node)[0]]
        text = indent(ast.unparse(node) + "\n", pad)
        replaces = isinstance(site.node, ast.Assign) and set(bound_by(site.node)) <= set(bound_by(node))
        end = site.end if replaces else site.start
        child = edited(source.text, site.start, end, text)
        if parsed(child):
            return child
    return None


def blend(source: Source, mate: Source, bench: Bench) -> str | None:
    """Mix the numbers of two programs that are alike but for them."""
    own = [place for place in source.places if place.role == "literal"]
    others = [place for place in mate.places if place.role == "literal"]
    if len(own) != len(others) or _skeleton(source.tree) != _skeleton(mate.tree):
        return None
    text = source.text
    for place, other in reversed(list(zip(own, others, strict=True))):
        assert isinstance(place.node, ast.Constant)
        assert isinstance(other.node, ast.Constant)
        first, second = place.node.value, other.node.value
        shape = bench.rng.random()
        if first == second or shape < 0.34 or not isinstance(first, int | float) or not isinstance(second, int | float):
            continue
        between = first + (second - first) * bench.rng.random()
        digits = max(digits_of(source.text[place.start : place.end]), digits_of(mate.text[other.start : other.end]))
        mixed = second if shape < 0.67 else round(between) if isinstance(first, int) else as_fine(between, digits)
        text = edited(text, place.start, place.end, repr(mixed))
    return text if text != source.text and parsed(text) else None


def _skeleton(tree: ast.Module) -> str:
    bare = copy.deepcopy(tree)
    for node in ast.walk(bare):
        if isinstance(node, ast.Constant) and is_number(node):
            node.value = 0
    return ast.dump(bare)


def _translated(donor: Place, site: Place, source: Source, mate: Source) -> ast.expr | None:
    visible = visible_at(source, site.above, site.node.lineno)
    own = site.function
    moved = _in_words_of(copy.deepcopy(donor.node), donor.function, own, source, mate)
    return moved if read_by(moved) <= visible | BUILTINS else None


def _carried(node: ast.stmt, above: tuple[ast.AST, ...], site: Step, source: Source, mate: Source) -> ast.stmt | None:
    """Return the mate's statement in the words of the site; None where it reads what is not bound there."""
    theirs = next((each for each in above if isinstance(each, ast.FunctionDef)), None)
    moved = _in_words_of(copy.deepcopy(node), theirs, _function(site), source, mate)
    leaves = _LEAVES if isinstance(moved, ast.For) else _LEAVES + _JUMPS
    if any(isinstance(each, leaves) for each in ast.walk(moved)):
        return None
    visible = visible_at(source, site.above, site.node.lineno) | BUILTINS
    # A loop may read what it binds itself; a plain assignment may not.
    bound = set(bound_by(moved)) if isinstance(moved, ast.For) else set()
    changed = {name.id for name in ast.walk(moved) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    grown = changed if isinstance(moved, ast.AugAssign) else set()
    return moved if read_by(moved) - bound <= visible and grown <= visible else None


def _in_words_of(
    node: N, theirs: ast.FunctionDef | None, own: ast.FunctionDef | None, source: Source, mate: Source
) -> N:
    """Return ``node`` with the mate's parameters named as ours and its constants as numbers."""
    if theirs is None or own is None:
        return node
    pairs = zip(theirs.args.args, own.args.args, strict=False) if theirs.name == own.name else ()
    names = {their.arg: our.arg for their, our in pairs}
    numbers = {
        target.id: statement.value
        for statement in mate.tree.body
        if isinstance(statement, ast.Assign) and is_number(statement.value)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id not in source.module_names
    }
    renamed: N = _Words(names, numbers).visit(node)
    return renamed


class _Words(ast.NodeTransformer):
    """Renames names, and puts numbers in the place of constants."""

    def __init__(self, names: dict[str, str], numbers: dict[str, ast.expr]):
        self.names, self.numbers = names, numbers

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.numbers and isinstance(node.ctx, ast.Load):
            return copy.deepcopy(self.numbers[node.id])
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def _function(step: Step) -> ast.FunctionDef | None:
    return next((node for node in step.above if isinstance(node, ast.FunctionDef)), None)


def _weight(place: Place) -> float:
    return _WEIGHTS[place.role]
