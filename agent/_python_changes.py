"""Changes of one Python program of unknown types: each returns the changed text, None where it found nothing.

What they know of a program is its text, and for a plan the shapes of its inputs. A change may give a program that
fails when it runs (the judge tells); it never gives one that does not parse.
"""

import ast
import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from speciate.evaluators import Interface, PlanInterface

from ._digits import USUAL, as_fine, digits_of, fineness
from ._python_source import LISTS, Place, Source, Step, bound_by, called, edited, parsed, read_by, visible_at
from ._shapes import Shape, agree, shape_of, shapes_of

_SWAPS: tuple[tuple[str, ...], ...] = (
    ("min", "max"),
    ("argmin", "argmax"),
    ("minimum", "maximum"),
    ("sum", "mean", "max", "median"),
    ("floor", "ceil", "round", "rint"),
    ("sqrt", "log1p", "square", "abs"),
    ("append", "appendleft"),
    ("pop", "popleft"),
    ("bisect_left", "bisect_right"),
    ("any", "all"),
    ("cumsum", "cumprod"),
    ("nlargest", "nsmallest"),
)
"""Names that may stand for one another."""
_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mod, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
BUILTINS = frozenset({"len", "min", "max", "abs", "sum", "sorted", "float", "int", "range", "round", "any", "all"})
"""What is visible everywhere, as far as it is reckoned with."""
_METHODS = frozenset({"min", "max", "sum", "mean", "argmin", "argmax", "any", "all", "cumsum", "cumprod"})
_DEQUE = frozenset({"append", "appendleft", "pop", "popleft"})
_MATH = frozenset({"floor", "ceil", "sqrt", "log1p"})
_FIXED_KEYWORDS = frozenset({"axis", "dtype", "kind", "key", "ddof", "ndmin"})


@dataclass(frozen=True)
class Bench:
    """What changes are made with.

    Args:
        rng: of the ticket.
        interface: names the functions that must stay, and for a plan the shapes of what it is given.
        typical: usual sizes of inputs by name, where they are known.
    """

    rng: Random
    interface: Interface
    typical: Mapping[str, float] = field(default_factory=dict)

    def spread(self, sigma: float) -> float:
        """Return a log-normal factor around 1."""
        return math.exp(self.rng.gauss(0.0, sigma))


PythonChange = Callable[[Source, Bench], str | None]


def tune(source: Source, bench: Bench) -> str | None:
    """Move one to three numbers, those with names of their own oftener."""
    numbers = [place for place in source.places if place.role == "literal" and not is_structural(place)]
    if not numbers:
        return None
    weights = [_frequency(place) for place in numbers]
    count = min(len(numbers), bench.rng.choice((1, 1, 1, 2, 3)))
    chosen = {place.start: place for place in bench.rng.choices(numbers, weights, k=count)}
    text = source.text
    for start in sorted(chosen, reverse=True):
        place = chosen[start]
        assert isinstance(place.node, ast.Constant)
        digits = digits_of(text[place.start : place.end])
        text = edited(text, place.start, place.end, repr(moved(place.node.value, bench, digits)))
    return text if parsed(text) else None


def moved(value: object, bench: Bench, digits: int = USUAL) -> float | int:
    """Return a number near ``value``, of its own sort: whole numbers stay whole, one of many digits keeps them."""
    assert isinstance(value, int | float)
    if isinstance(value, int):
        if abs(value) <= 8 or bench.rng.random() < 0.2:
            return max(0, value + bench.rng.choice((-2, -1, 1, 1, 2))) if value else bench.rng.choice((1, 2))
        scaled = round(value * bench.spread(0.5))
        return scaled if scaled != value else value + bench.rng.choice((-1, 1))
    if value == 0.0:
        return float(f"{bench.spread(2.0) * 0.1:.3g}")
    step = bench.rng.choice((0.15, 0.5, 1.2)) * fineness(digits, bench.rng)
    return as_fine(value * bench.spread(step), digits)


def swap(source: Source, bench: Bench) -> str | None:
    """Put one operator, comparison or function of its family in another's place."""
    options = [place for place in source.places if _swaps(place.node, source)]
    if not options:
        return None
    place = bench.rng.choice(options)
    node = copy.deepcopy(place.node)
    other = bench.rng.choice(_swaps(place.node, source))
    match node:
        case ast.BinOp():
            node.op = _ARITHMETIC[type(node.op)][int(other)]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.Compare():
            node.ops = [_COMPARISONS[type(node.ops[0])][int(other)]()]
        case ast.Call(func=ast.Name() as function):
            function.id = other
        case ast.Call(func=ast.Attribute() as function):
            function.attr = other
    return source.replaced(place, node)


def _swaps(node: ast.expr, source: Source) -> Sequence[str]:
    """Return what may be chosen instead: names, or positions in the table of operators."""
    match node:
        case ast.BinOp(op=operator) if not is_listed(node, source):
            return [str(index) for index in range(len(_ARITHMETIC.get(type(operator), ())))]
        case ast.BoolOp():
            return ["other"]
        case ast.Compare(ops=[comparison]):
            return [str(index) for index in range(len(_COMPARISONS.get(type(comparison), ())))]
        case ast.Call():
            name = called(node)
            others = [each for family in _SWAPS if name in family for each in family if each != name]
            there = _callable(node.func, source)
            return others if there is None else [each for each in others if each in there]
    return []


def _callable(function: ast.expr, source: Source) -> frozenset[str] | None:
    """Return the names that may stand after a call's ``module.``, ``value.`` or nothing; None where all may."""
    if not isinstance(function, ast.Attribute):
        return source.module_names | BUILTINS
    if not isinstance(function.value, ast.Name) or function.value.id not in source.imported:
        return _METHODS | (_DEQUE if "deque" in source.text else frozenset())
    return _MATH if function.value.id == "math" else None


def reorder(source: Source, bench: Bench) -> str | None:
    """Turn an order round, or make it by the parts of its key in another sequence."""
    orders = [place for place in source.places if place.role == "rank" and is_quantity(place, source)]
    reverses = [place for place in source.places if _is_reverse(place)]
    if not orders and not reverses:
        return None
    place = bench.rng.choice(orders + reverses)
    node = place.node
    if _is_reverse(place) and isinstance(node, ast.Constant):
        return source.replaced(place, ast.Constant(not node.value))
    if isinstance(node, ast.Tuple):
        turned = copy.deepcopy(node)
        bench.rng.shuffle(turned.elts)
        return source.replaced(place, turned)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return source.replaced(place, node.operand)
    return source.replaced(place, ast.UnaryOp(ast.USub(), node))


def condition(source: Source, bench: Bench) -> str | None:
    """Negate a condition, join it with another, or move what it compares with."""
    tests = [place for place in source.places if place.role == "test" and not _decides_by_state(place)]
    if not tests:
        return None
    place = bench.rng.choice(tests)
    node = place.node
    shape = bench.rng.random()
    if shape < 0.3:
        inner = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else None
        return source.replaced(place, inner or ast.UnaryOp(ast.Not(), node))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and shape < 0.75:
        factor = ast.Constant(float(f"{bench.spread(0.7):.3g}"))
        scaled = ast.Compare(node.left, node.ops, [ast.BinOp(factor, ast.Mult(), node.comparators[0])])
        return source.replaced(place, scaled)
    visible = visible_at(source, place.above, node.lineno) | BUILTINS
    others = [each.node for each in tests if each is not place and read_by(each.node) <= visible]
    if not others:
        return source.replaced(place, ast.UnaryOp(ast.Not(), node))
    joined = ast.BoolOp(bench.rng.choice((ast.And(), ast.Or())), [node, bench.rng.choice(others)])
    return source.replaced(place, joined)


def term(source: Source, bench: Bench) -> str | None:
    """Reckon another quantity at hand into a number, mostly into one that an order is made by."""
    sites = [place for place in source.places if place.role in ("rank", "number") and is_quantity(place, source)]
    sites = [place for place in sites if not _counts(place, bench)]
    if not sites:
        return None
    shapes = shapes_in(source, bench)
    for _ in range(6):
        site = bench.rng.choices(sites, [_importance(place) for place in sites])[0]
        node = site.node.elts[0] if isinstance(site.node, ast.Tuple) and site.node.elts else site.node
        names = shapes.get(site.function.name, {}) if site.function is not None else {}
        material = _material(source, site, shape_of(node, names), names)
        if not material:
            continue
        grown = _combined(node, bench.rng.choice(material), bench)
        if isinstance(site.node, ast.Tuple):
            grown = ast.Tuple([grown, *site.node.elts[1:]], ast.Load())
        return source.replaced(site, grown)
    return None


def _combined(node: ast.expr, other: ast.expr, bench: Bench) -> ast.expr:
    """Return ``node`` with ``other`` added, multiplied or divided in."""
    known = bench.typical.get(other.id) if isinstance(other, ast.Name) else None
    weight = ast.Constant(float(f"{bench.spread(1.0 if known else 2.0) * 0.3 / (known or 1.0):.3g}"))
    shape = bench.rng.random()
    if shape < 0.5:
        operator = bench.rng.choice((ast.Add(), ast.Add(), ast.Sub()))
        return ast.BinOp(node, operator, ast.BinOp(weight, ast.Mult(), other))
    if shape < 0.7:
        share = ast.BinOp(ast.Constant(1.0), ast.Add(), ast.BinOp(weight, ast.Mult(), other))
        return ast.BinOp(node, ast.Mult(), share)
    if shape < 0.85:
        return ast.BinOp(node, ast.Mult(), other)
    offset = ast.Constant(float(f"{bench.spread(1.0) * (known or 1.0):.3g}"))
    size = ast.Call(ast.Name("abs", ast.Load()), [other], [])
    return ast.BinOp(node, ast.Div(), ast.BinOp(size, ast.Add(), offset))


def _material(source: Source, site: Place, shape: Shape, shapes: Mapping[str, Shape]) -> list[ast.expr]:
    """Return the quantities that are bound at ``site`` and may be reckoned into a value of ``shape``."""
    visible = visible_at(source, site.above, site.node.lineno)
    function = site.function
    found: dict[str, ast.expr] = {}
    for place in source.places:
        quantity = place.role in ("number", "rank") and not isinstance(place.node, ast.Tuple)
        fits = quantity and place.function is function and small(place.node) and is_quantity(place, source)
        if fits and read_by(place.node) <= visible | BUILTINS:
            found[ast.unparse(place.node)] = place.node
    for name in visible:
        if shapes.get(name) is not None:
            found[name] = ast.Name(name, ast.Load())
    own = ast.unparse(site.node)
    fitting = [text for text, node in found.items() if text != own and agree(shape, shape_of(node, shapes))]
    return [found[text] for text in sorted(fitting)]


def statement(source: Source, bench: Bench) -> str | None:
    """Drop a statement, do it twice, or exchange it with the next one."""
    steps = [step for step in source.steps if _movable(step, bench)]
    if not steps:
        return None
    step = bench.rng.choice(steps)
    shape = bench.rng.random()
    text = source.text[step.start : step.end]
    if shape < 0.45:
        return _dropped(source, step)
    following = _sibling(source, step)
    if shape < 0.75 and following is not None and _movable(following, bench):
        between = source.text[step.end : following.start]
        other = source.text[following.start : following.end]
        if not text.endswith("\n") or not other.endswith("\n"):
            return None
        child = edited(source.text, step.start, following.end, other + between + text)
    else:
        if not isinstance(step.node, ast.AugAssign | ast.Expr | ast.For | ast.If) or not text.endswith("\n"):
            return None
        child = edited(source.text, step.end, step.end, text)
    return child if parsed(child) else None


def _dropped(source: Source, step: Step) -> str | None:
    """Return the text without the statement, where nothing else needs what it binds."""
    function = next((node for node in step.above if isinstance(node, ast.FunctionDef)), None)
    others = [each for each in source.steps if each.node is not step.node and function in each.above]
    elsewhere = {name for each in others if step.node not in each.above for name in bound_by(each.node)}
    readers = ast.walk(function) if function is not None else ast.walk(source.tree)
    read = {node.id for node in readers if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if (set(bound_by(step.node)) - elsewhere) & read:
        return None
    line = source.text[step.start : step.end]
    indent = line[: len(line) - len(line.lstrip())]
    new = f"{indent}pass\n" if len(step.block) == 1 else ""
    child = edited(source.text, step.start, step.end, new)
    return child if parsed(child) else None


def _movable(step: Step, bench: Bench) -> bool:
    """Return whether a statement may go: not what the judge asks for, nor what ends a loop."""
    if isinstance(step.node, ast.Import | ast.ImportFrom | ast.Return | ast.FunctionDef | ast.ClassDef | ast.Pass):
        return False
    if any(isinstance(node, ast.While) for node in (*step.above, step.node)):
        return False
    if len(step.above) == 1 and not isinstance(step.node, ast.Assign):
        return False  # what a program does at its top level, it does once
    return not set(bound_by(step.node)) & set(bench.interface.defines)


def _sibling(source: Source, step: Step) -> Step | None:
    after = step.position + 1
    return next((each for each in source.steps if each.block is step.block and each.position == after), None)


def shapes_in(source: Source, bench: Bench) -> dict[str, Mapping[str, Shape]]:
    """Return the shapes of names by function; only a plan's own function has any."""
    interface = bench.interface
    if not isinstance(interface, PlanInterface) or interface.function not in source.functions:
        return {}
    return {interface.function: shapes_of(source.functions[interface.function], interface)}


def _counts(place: Place, bench: Bench) -> bool:
    """Return whether a plan of whole numbers answers with this very number: a term would break it."""
    interface = bench.interface
    if place.role == "rank" or not isinstance(interface, PlanInterface):
        return False
    return isinstance(place.statement, ast.Return) and any(array.kind == "integer" for array in interface.outputs)


def _importance(place: Place) -> float:
    if place.role == "rank":
        return 8.0
    compared = isinstance(place.parent, ast.Compare)
    return 2.0 if compared else 1.0


def _frequency(place: Place) -> float:
    """Return how often a number is moved: one with a name of its own most."""
    if is_named(place):
        return 6.0
    return 2.0 if isinstance(place.node, ast.Constant) and isinstance(place.node.value, float) else 1.0


def is_named(place: Place) -> bool:
    """Return whether a number has a name of its own at the top level."""
    return isinstance(place.parent, ast.Assign) and len(place.above) == 2


def is_structural(place: Place) -> bool:
    """Return whether a number says where something is rather than how much."""
    parent = place.parent
    if isinstance(parent, ast.keyword):
        return parent.arg in _FIXED_KEYWORDS
    if isinstance(parent, ast.Slice | ast.Subscript):
        return True
    # -1 as an index, and the step of [::-1].
    return isinstance(parent, ast.UnaryOp) and isinstance(place.above[-2], ast.Slice | ast.Subscript)


def _is_reverse(place: Place) -> bool:
    keyword = place.parent
    return isinstance(keyword, ast.keyword) and keyword.arg == "reverse" and isinstance(place.node, ast.Constant)


def is_quantity(place: Place, source: Source) -> bool:
    """Return whether an expression may be a number or an array of them: no module and no list, as far as is told."""
    node = place.node
    return not (isinstance(node, ast.Name) and node.id in source.imported) and not is_listed(node, source)


def is_listed(node: ast.expr, source: Source) -> bool:
    """Return whether an expression is a list or the like, or made of one."""
    if isinstance(node, ast.Name):
        return node.id in source.listed
    parts = [node.left, node.right] if isinstance(node, ast.BinOp) else [node]
    return any(isinstance(part, LISTS) or (isinstance(part, ast.Name) and part.id in source.listed) for part in parts)


def _decides_by_state(place: Place) -> bool:
    """Return whether a test is that of a loop that must end."""
    return isinstance(place.statement, ast.While)


def small(node: ast.expr) -> bool:
    """Return whether an expression is short enough to be a part of another."""
    return sum(isinstance(each, ast.expr) for each in ast.walk(node)) <= 8


