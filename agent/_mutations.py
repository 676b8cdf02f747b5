"""Changes of one program: each edits the tree in place and says whether it found something to change."""

import ast
import copy
from collections import Counter
from collections.abc import Callable, Sequence
from math import exp

from ._digits import USUAL, as_fine, digits_of, fineness
from ._growth import Grown, Growth, call, constant
from ._program import Program, Site, SiteKind, magnitude, size_of

Mutation = Callable[[Program, Growth], bool]

_ROOT_WEIGHT = 3.0
_RANKING_WEIGHT = 25.0
"""Whole expressions are changed this much oftener than their parts, and what an order is made by the most."""


def choose(program: Program, growth: Growth, kind: SiteKind, even: bool = False) -> Site | None:
    """Return a random site of a kind: first a function, then a place in it (all alike if ``even``)."""
    sites = [site for site in program.sites if site.kind == kind]
    functions = Counter(site.function for site in sites)
    if not functions:
        return None
    names = sorted(functions)
    function = growth.rng.choices(names, [functions[name] ** 0.5 for name in names])[0]
    sites = [site for site in sites if site.function == function]
    return growth.rng.choices(sites, [1.0 if even else _importance(site) for site in sites])[0]


def _importance(site: Site) -> float:
    if site.ranking:
        return _RANKING_WEIGHT
    return _ROOT_WEIGHT if site.root else 1.0


def grow_subtree(program: Program, growth: Growth) -> bool:
    """Replace an expression by a grown one of its size."""
    kind: SiteKind = "truth" if growth.rng.random() < 0.25 else "number"
    site = choose(program, growth, kind, even=True)
    if site is None:
        return False
    if kind == "truth":
        condition = growth.condition(site.names)
        if condition is not None:
            site.put(condition)
        return condition is not None
    grown = growth.term(site.names, depth=2)
    if grown is None:
        return False
    site.put(_scaled(grown, site.typical if not site.root else None, growth))
    return True


def insert_term(program: Program, growth: Growth) -> bool:
    """Add a term to an expression, or scale, cap or bend the expression by one."""
    site = choose(program, growth, "number")
    grown = growth.term(site.names, depth=2) if site is not None else None
    if site is None or grown is None:
        return False
    old, size = site.node, site.typical or 1.0
    shape = growth.rng.random()
    if shape < 0.55:
        weight = constant(size / grown.typical * growth.spread(1.0) * 0.3)
        operator = growth.rng.choice((ast.Add(), ast.Add(), ast.Sub()))
        site.put(ast.BinOp(old, operator, ast.BinOp(weight, ast.Mult(), grown.node)))
    elif shape < 0.78:
        weight = constant(growth.spread(1.0) * 0.3 / grown.typical)
        factor = ast.BinOp(constant(1.0), ast.Add(), ast.BinOp(weight, ast.Mult(), grown.node))
        site.put(ast.BinOp(old, growth.rng.choice((ast.Mult(), ast.Mult(), ast.Div())), factor))
        if isinstance(site.node, ast.BinOp) and isinstance(site.node.op, ast.Div):
            site.node.right = call("max", factor, constant(0.01))
    elif shape < 0.86:
        site.put(ast.BinOp(old, ast.Mult(), grown.node))
    elif shape < 0.93:
        other = _scaled(grown, size, growth)
        site.put(call(growth.rng.choice(("min", "max")), old, other))
    else:
        condition = growth.condition(site.names)
        if condition is None:
            return False
        site.put(ast.IfExp(condition, ast.BinOp(copy.deepcopy(old), ast.Mult(), constant(growth.spread(0.7))), old))
    return True


def bend(program: Program, growth: Growth) -> bool:
    """Raise a product's part to a power, so that tuning can find how strongly it should count."""
    sites = [site for site in program.sites if site.kind == "number" and size_of(site.node) <= 12]
    sites = [site for site in sites if not isinstance(site.node, ast.Constant)]
    if not sites:
        return False
    site = growth.rng.choice(sites)
    power = constant(growth.rng.choice((0.5, 0.7, 0.85, 1.2, 1.5, 2.0)))
    site.put(ast.BinOp(call("abs", site.node), ast.Pow(), power))
    return True


def change_point(program: Program, growth: Growth) -> bool:
    """Change one operator, comparison or quantity for another of its kind."""
    options = [site for site in program.sites if _pointed(site.node)]
    if not options:
        return False
    site = growth.rng.choice(options)
    node = site.node
    match node:
        case ast.BinOp(op=ast.Add()):
            node.op = ast.Sub()
        case ast.BinOp(op=ast.Sub()):
            node.op = ast.Add()
        case ast.BinOp(op=ast.Mult()):
            site.put(ast.BinOp(node.left, ast.Div(), call("max", call("abs", node.right), constant(1e-3))))
        case ast.BinOp(op=ast.Div()):
            node.op = ast.Mult()
        case ast.Compare(ops=[operator]):
            node.ops = [ast.Gt() if isinstance(operator, ast.Lt | ast.LtE) else ast.Lt()]
        case ast.Call(func=ast.Name(id="min" | "max" as name)):
            node.func = ast.Name("max" if name == "min" else "min", ast.Load())
        case _:
            return _swap_quantity(site, growth)
    return True


def _pointed(node: ast.expr) -> bool:
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()) | ast.Attribute():
            return True
        case ast.Compare(ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()]):
            return True
        case ast.Call(func=ast.Name(id="min" | "max")):
            return len(node.args) > 1
    return False


def _swap_quantity(site: Site, growth: Growth) -> bool:
    """Put another quantity in an attribute's place, of the same unit where there is one."""
    node = site.node
    found = growth.quantities(site.names)
    here = [each for each in found if ast.dump(each.grown.node) == ast.dump(node)]
    unit = here[0].unit if here else ""
    others = [each for each in found if each not in here]
    alike = [each for each in others if each.unit == unit]
    if not others:
        return False
    chosen = growth.rng.choice(alike if alike and growth.rng.random() < 0.7 else others)
    same = bool(unit) and chosen.unit == unit
    site.put(chosen.grown.node if same else _scaled(chosen.grown, site.typical, growth))
    return True


def perturb(program: Program, growth: Growth) -> bool:
    """Change one constant, by a little or by a lot."""
    if not program.constants:
        return False
    node = growth.rng.choice(program.constants)
    _jitter(node, growth, growth.rng.choice((0.08, 0.3, 0.8)))
    return True


def tune(program: Program, growth: Growth) -> bool:
    """Change several constants together, by a little."""
    if not program.constants:
        return False
    count = min(len(program.constants), growth.rng.choice((1, 2, 2, 3, 4)))
    sigma = growth.rng.choice((0.05, 0.15, 0.35))
    for node in growth.rng.sample(program.constants, count):
        _jitter(node, growth, sigma)
    return True


def _jitter(node: ast.Constant, growth: Growth, sigma: float) -> None:
    """Move a constant on a logarithmic scale; one that is 0 has no scale and takes a small value."""
    size = magnitude(node)
    if not size:
        node.value = constant(abs(growth.rng.gauss(0.0, 0.5))).value
        return
    whole, digits = isinstance(node.value, int) and size >= 10, digits_of(repr(node.value))
    fine = digits > USUAL and not whole
    moved = size * exp(growth.rng.gauss(0.0, sigma * fineness(digits if fine else USUAL, growth.rng)))
    node.value = round(moved) if whole else as_fine(moved, digits) if fine else constant(moved).value


def simplify(program: Program, growth: Growth) -> bool:
    """Replace an expression by one of its operands, or drop a guard."""
    guards = [(loop.node, each) for loop in program.loops for each in loop.node.body if _is_guard(each)]
    if guards and growth.rng.random() < 0.2:
        loop, guard = growth.rng.choice(guards)
        loop.body.remove(guard)
        return True
    sites = [site for site in program.sites if _operands(site.node)]
    if not sites:
        return False
    site = growth.rng.choice(sites)
    site.put(growth.rng.choice(_operands(site.node)))
    return True


def _is_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and len(statement.body) == 1 and isinstance(statement.body[0], ast.Continue)


def _operands(node: ast.expr) -> Sequence[ast.expr]:
    """Return the parts of ``node`` that are of its own kind."""
    match node:
        case ast.BinOp(op=ast.Pow()):
            return [node.left]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.UnaryOp() if not isinstance(node.operand, ast.Constant):
            return [node.operand]
        case ast.BoolOp():
            return node.values
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.Call(func=ast.Name(id="min" | "max" | "abs" | "float" | "int" | "round")):
            rows = any(isinstance(keyword, ast.keyword) for keyword in node.keywords)
            return [] if rows else node.args
    return []


def guard(program: Program, growth: Growth) -> bool:
    """Skip rows under a grown condition, or hold back a decision under one."""
    interface = program.vocabulary.interface
    choices = [each for each in program.choices if isinstance(each.node.value, ast.Name | ast.Attribute)]
    if choices and interface.constants and growth.rng.random() < 0.3:
        choice = growth.rng.choice(choices)
        condition = growth.condition(choice.names)
        if condition is None or choice.node.value is None:
            return False
        name = growth.rng.choice(sorted(interface.constants))
        choice.node.value = ast.IfExp(condition, ast.Name(name, ast.Load()), choice.node.value)
        return True
    if program.loops:
        loop = growth.rng.choice(program.loops)
        at = growth.rng.randrange(len(loop.names))
        condition = growth.condition(loop.names[at])
        if condition is None:
            return False
        loop.node.body.insert(at, ast.If(condition, [ast.Continue()], []))
        return True
    return _widen_condition(program, growth)


def _widen_condition(program: Program, growth: Growth) -> bool:
    """Join a grown condition to an existing one."""
    site = choose(program, growth, "truth")
    condition = growth.condition(site.names) if site is not None else None
    if site is None or condition is None:
        return False
    site.put(ast.BoolOp(growth.rng.choice((ast.And(), ast.Or())), [site.node, condition]))
    return True


def _scaled(grown: Grown, size: float | None, growth: Growth) -> ast.expr:
    """Return a grown term, brought to about ``size`` by a factor where the two differ much."""
    if not size or not grown.typical or 0.2 < size / grown.typical < 5:
        return grown.node
    return ast.BinOp(constant(size / grown.typical * growth.spread(0.5)), ast.Mult(), grown.node)
