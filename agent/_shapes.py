"""Shapes of numpy expressions in a plan, as far as its text tells: by names of dimensions, never by running it.

They keep a changed plan from adding a value for each job to one for each machine. None is a shape not known.
"""

import ast
from collections.abc import Mapping, Sequence

from speciate.evaluators import PlanInterface

Shape = tuple[str, ...] | None
Shapes = Mapping[str, Shape]

_SAME = frozenset(
    {
        "abs", "absolute", "sqrt", "log", "log1p", "log2", "exp", "square", "floor", "ceil", "round", "rint", "sign",
        "negative", "clip", "astype", "copy", "cumsum", "cumprod", "asarray", "array", "argsort", "sort", "sorted",
        "float64", "nan_to_num", "tanh", "zeros_like", "ones_like", "empty_like", "full_like", "flatnonzero", "list",
        "float", "int", "isfinite", "logical_not", "reciprocal",
    }
)
"""Functions and methods whose answer is shaped like their first argument."""
_PAIRS = frozenset(
    {
        "minimum", "maximum", "add", "subtract", "multiply", "divide", "power", "where", "fmax", "fmin", "hypot",
    }
)
_REDUCERS = frozenset(
    {
        "sum", "mean", "max", "min", "std", "var", "median", "prod", "argmin", "argmax", "any", "all", "ptp", "len",
        "average", "norm",
    }
)
_FILLED = frozenset({"zeros", "ones", "empty", "full", "arange"})


def shapes_of(function: ast.FunctionDef, interface: PlanInterface) -> Shapes:
    """Return the shapes of the function's names; a name that has two is not known."""
    names: dict[str, Shape] = {}
    for argument, array in zip(function.args.args, interface.inputs, strict=False):
        names[argument.arg] = tuple(map(str, array.shape))
    for node in ast.walk(function):
        if isinstance(node, ast.For):
            _bind_target(node.target, node.iter, names)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            _bind(node.targets[0].id, shape_of(node.value, names), names)
    return names


def shape_of(node: ast.expr, names: Shapes) -> Shape:
    """Return the shape of an expression."""
    match node:
        case ast.Constant():
            return ()
        case ast.Name(id=name):
            return names.get(name)
        case ast.UnaryOp(operand=inner):
            return shape_of(inner, names)
        case ast.BinOp(left=left, right=right):
            return _joined([shape_of(left, names), shape_of(right, names)])
        case ast.Compare(left=left, comparators=others):
            return _joined([shape_of(left, names), *(shape_of(each, names) for each in others)])
        case ast.IfExp(body=body, orelse=orelse):
            return _joined([shape_of(body, names), shape_of(orelse, names)])
        case ast.Subscript(value=value, slice=index):
            return _indexed(shape_of(value, names), index, names)
        case ast.Attribute(value=value, attr="T"):
            inner_shape = shape_of(value, names)
            return inner_shape[::-1] if inner_shape is not None else None
        case ast.Attribute(attr="size"):
            return ()
        case ast.Call():
            return _of_call(node, names)
    return None


def agree(site: Shape, term: Shape) -> bool:
    """Return whether ``term`` may be reckoned into an expression of shape ``site`` and leave its shape."""
    return term == () or (term is not None and term == site) or (site is None and term is None)


def _of_call(node: ast.Call, names: Shapes) -> Shape:
    method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    arguments = [*([node.func.value] if isinstance(node.func, ast.Attribute) and method else []), *node.args]
    if not arguments:
        return None
    if name in _FILLED:
        return _filled(arguments[0], names)
    if name in _PAIRS:
        return _joined([shape_of(each, names) for each in arguments])
    first = shape_of(arguments[0], names)
    if name in _REDUCERS:
        return _reduced(first, node, arguments)
    if name in ("min", "max") and len(arguments) > 1:
        return _joined([shape_of(each, names) for each in arguments])
    return first if name in _SAME else None


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math")


def _reduced(first: Shape, node: ast.Call, arguments: Sequence[ast.expr]) -> Shape:
    axis = next((keyword.value for keyword in node.keywords if keyword.arg == "axis"), None)
    if axis is None and len(arguments) < 2:
        return ()
    if first is None or not isinstance(axis, ast.Constant) or not isinstance(axis.value, int):
        return None
    kept = list(first)
    if not -len(kept) <= axis.value < len(kept):
        return None
    del kept[axis.value]
    return tuple(kept)


def _filled(size: ast.expr, names: Shapes) -> Shape:
    parts = size.elts if isinstance(size, ast.Tuple) else [size]
    dimensions = [_dimension(part, names) for part in parts]
    return tuple(each for each in dimensions if each is not None) if None not in dimensions else None


def _dimension(node: ast.expr, names: Shapes) -> str | None:
    """Return the name of a dimension that a number is: ``machines``, ``len(lengths)``, ``lengths.shape[0]``."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=int() as value):
            return str(value)
        case ast.Call(func=ast.Name(id="len"), args=[inner]):
            return next(iter(shape_of(inner, names) or ()), None)
        case ast.Attribute(value=inner, attr="size"):
            shape = shape_of(inner, names)
            return shape[0] if shape and len(shape) == 1 else None
        case ast.Subscript(value=ast.Attribute(value=inner, attr="shape"), slice=ast.Constant(value=int() as axis)):
            shape = shape_of(inner, names)
            return shape[axis] if shape and -len(shape) <= axis < len(shape) else None
    return None


def _indexed(shape: Shape, index: ast.expr, names: Shapes) -> Shape:
    if shape is None:
        return None
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    if len(parts) > len(shape):
        return None
    left: list[str] = []
    for part, dimension in zip(parts, shape, strict=False):
        if isinstance(part, ast.Slice):
            if part.lower is not None or part.upper is not None:
                return None
            left.append(dimension)
            continue
        chosen = shape_of(part, names)
        if chosen is None:
            return None
        left += chosen
    return (*left, *shape[len(parts) :])


def _joined(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of elements reckoned with one another; None where a part is unknown or they differ."""
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return None
    wide = {shape for shape in known if shape}
    return () if not wide else wide.pop() if len(wide) == 1 else None


def _bind(name: str, shape: Shape, names: dict[str, Shape]) -> None:
    names[name] = shape if name not in names or names[name] == shape else None


def _bind_target(target: ast.expr, iterated: ast.expr, names: dict[str, Shape]) -> None:
    if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name) and iterated.args:
        if iterated.func.id == "range" and isinstance(target, ast.Name):
            _bind(target.id, (), names)
            return
        if iterated.func.id == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            _bind_target(target.elts[0], ast.Call(ast.Name("range", ast.Load()), [ast.Constant(0)], []), names)
            _bind_target(target.elts[1], iterated.args[0], names)
            return
        if iterated.func.id == "zip" and isinstance(target, ast.Tuple):
            for part, each in zip(target.elts, iterated.args, strict=False):
                _bind_target(part, each, names)
            return
    shape = shape_of(iterated, names)
    if isinstance(target, ast.Name) and shape:
        _bind(target.id, shape[1:], names)
