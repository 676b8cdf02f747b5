"""Changes of kernels in Python: what Numba's compiler may assume, the order of two loops, the size of a tile, and how
many warps and stages a launch in Triton takes."""

import ast
from collections.abc import Iterator

from ._python_changes import Bench
from ._python_source import Source, edited

_LEAST, _MOST = 2, 1 << 14
_COMPILED = frozenset({"numba.njit", "numba.jit", "njit"})
_LEAVES = (
    "fastmath=True",
    'fastmath={"reassoc", "contract", "nsz", "arcp"}',
    'error_model="numpy"',
    'fastmath=True, error_model="numpy"',
)
"""Sums in any order with or without care for infinities, and divisions without a check for zero."""
_OPTIONS = {"num_warps": (1, 2, 4, 8, 16), "num_stages": (1, 2, 3, 4, 5)}
"""What a launch in Triton may ask of the compiler."""


def leave(source: Source, bench: Bench) -> str | None:
    """Give the compiler of a function another leave, or none."""
    found = [
        (source.span(each), target)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
        for each in node.decorator_list
        if (target := _compiled(each)) is not None and source.is_free(*source.span(each))
    ]
    if not found:
        return None
    (start, end), target = bench.rng.choice(found)
    name = source.text[slice(*source.span(target))]
    others = [
        told for each in ("", *_LEAVES) if (told := f"{name}({each})" if each else name) != source.text[start:end]
    ]
    return edited(source.text, start, end, bench.rng.choice(others))


def _compiled(decorator: ast.expr) -> ast.expr | None:
    """Return what names the compiler in a decorator, if it is Numba's."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target if ast.unparse(target) in _COMPILED else None


def interchange(source: Source, bench: Bench) -> str | None:
    """Exchange two loops, one right within the other, whose rounds do not depend on each other's variable."""
    found = [nest for nest in _nests(source.tree) if all(source.is_free(*source.span(each)) for each in nest)]
    if not found:
        return None
    outer, inner = bench.rng.choice(found)
    text = source.text
    swaps = [(outer.target, inner.target), (outer.iter, inner.iter)]
    spans = [(source.span(a), text[slice(*source.span(b))]) for pair in swaps for a, b in (pair, pair[::-1])]
    for (start, end), told in sorted(spans, reverse=True):
        text = edited(text, start, end, told)
    return text


def _nests(tree: ast.AST) -> Iterator[tuple[ast.For, ast.For]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.For) and len(node.body) == 1 and isinstance(inner := node.body[0], ast.For):
            counted = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
            needed = {each.id for each in ast.walk(inner.iter) if isinstance(each, ast.Name)}
            if not counted & needed and not node.orelse and not inner.orelse:
                yield node, inner


def resize(source: Source, bench: Bench) -> str | None:
    """Double or halve a power of two: in one place, or everywhere, as a tile's size and its grid's must agree."""
    found = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and _is_size(node.value) and source.is_free(*source.span(node))
    ]
    if not found:
        return None
    chosen = bench.rng.choice(found)
    alike = [node for node in found if node.value == chosen.value] if bench.rng.random() < 0.6 else [chosen]
    value = int(chosen.value)  # type: ignore[arg-type]  # a size is a whole number
    new = str(bench.rng.choice([each for each in (value // 2, value * 2) if each]))
    text = source.text
    for start, end in sorted((source.span(node) for node in alike), reverse=True):
        text = edited(text, start, end, new)
    return text


def launch(source: Source, bench: Bench) -> str | None:
    """Give a launch in Triton, ``kernel[grid](...)``, other warps or stages; where it names none, the new ones."""
    found = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript) and source.is_free(*source.span(node))
    ]
    if not found:
        return None
    chosen, name = bench.rng.choice(found), bench.rng.choice(list(_OPTIONS))
    value = str(bench.rng.choice(_OPTIONS[name]))
    given = next((each.value for each in chosen.keywords if each.arg == name), None)
    if given is not None:
        return edited(source.text, *source.span(given), value)
    last = max((source.span(each)[1] for each in (*chosen.args, *(key.value for key in chosen.keywords))), default=0)
    return edited(source.text, last, last, f", {name}={value}") if last else None


def _is_size(value: object) -> bool:
    return isinstance(value, int) and _LEAST <= value <= _MOST and value & (value - 1) == 0
