"""Types and usual sizes of a candidate's expressions, from what its hooks are given."""

import ast
from collections.abc import Callable, Mapping
from math import isfinite

from ._vocabulary import Held, Number, Rows, Truth, Type, Vocabulary

Names = Mapping[str, Type]

SENTINEL = 1e12
"""Constants at least this large stand for infinity and are not numbers to reason with."""

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    # The difference of two typical sizes says little; their scale does.
    ast.Sub: lambda a, b: max(abs(a), abs(b)),
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: float(abs(a) ** b),
    ast.FloorDiv: lambda a, b: a / b,
    ast.Mod: lambda a, b: min(abs(a), abs(b)),
}
_NUMERIC_CALLS = frozenset({"min", "max", "abs", "float", "int", "round"})
_ROW_CALLS = frozenset({"min", "max", "next"})
_ROWS_CALLS = frozenset({"sorted", "list", "tuple", "reversed", "filter"})


class Inference:
    """Infers types inside one program."""

    def __init__(self, vocabulary: Vocabulary, constants: Names, functions: Mapping[str, ast.FunctionDef]):
        self.vocabulary = vocabulary
        self.constants = constants
        self.functions = functions
        self._inside: set[str] = set()

    def type_of(self, node: ast.expr, names: Names) -> Type:
        """Return the type of ``node`` where the variables ``names`` are visible."""
        match node:
            case ast.Constant(value=value):
                return _literal(value)
            case ast.Name(id=name):
                return names[name] if name in names else self.constants.get(name)
            case ast.Attribute(value=base, attr=attribute):
                return self._attribute(self.type_of(base, names), attribute)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._binary(left, operator, right, names)
            case ast.UnaryOp(op=ast.Not()) | ast.Compare():
                return Truth()
            case ast.UnaryOp(operand=operand):
                return self.type_of(operand, names)
            case ast.BoolOp(values=values):
                return Truth() if all(self.type_of(v, names) == Truth() for v in values) else None
            case ast.IfExp(body=body, orelse=orelse):
                return self._merged(self.type_of(body, names), self.type_of(orelse, names))
            case ast.Call():
                return self._call(node, names)
            case _:
                return self._rows(node, names)

    def _rows(self, node: ast.expr, names: Names) -> Type:
        """Return the type of lists of rows and of what is taken from them."""
        match node:
            case ast.ListComp() | ast.GeneratorExp():
                element = self.type_of(node.elt, self.comprehension(node, names))
                return Rows(element) if isinstance(element, Held) else None
            case ast.Subscript(value=value, slice=ast.Slice()):
                return self.type_of(value, names)
            case ast.Subscript(value=value):
                table = self.type_of(value, names)
                return table.row if isinstance(table, Rows) else None
        return None

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp, names: Names) -> dict[str, Type]:
        """Return ``names`` with the variables that a comprehension binds."""
        inner = dict(names)
        for generator in node.generators:
            inner.update(self.bound(generator.target, generator.iter, inner))
        return inner

    def bound(self, target: ast.expr, iterable: ast.expr, names: Names) -> dict[str, Type]:
        """Return the types that looping over ``iterable`` gives to the names in ``target``."""
        result: dict[str, Type] = {node.id: None for node in ast.walk(target) if isinstance(node, ast.Name)}
        if (
            isinstance(iterable, ast.Call)
            and isinstance(iterable.func, ast.Name)
            and iterable.func.id == "enumerate"
            and iterable.args
            and isinstance(target, ast.Tuple)
            and len(target.elts) == 2
        ):
            target, iterable = target.elts[1], iterable.args[0]
        table = self.type_of(iterable, names)
        if isinstance(target, ast.Name) and isinstance(table, Rows):
            result[target.id] = table.row
        return result

    def _attribute(self, base: Type, attribute: str) -> Type:
        if not isinstance(base, Held):
            return None
        if attribute == base.table and base.row is not None:
            return Rows(base.row)
        if attribute not in base.record.fields:
            return None
        size = self.vocabulary.size(base.place, attribute)
        return None if size.identity else Number(size.typical)

    def _binary(self, left: ast.expr, operator: ast.operator, right: ast.expr, names: Names) -> Type:
        a, b = self.type_of(left, names), self.type_of(right, names)
        if not (isinstance(a, Number) and isinstance(b, Number)):
            # One unknown operand (a dictionary's entry) does not keep the whole from being a number.
            return Number() if isinstance(a, Number) or isinstance(b, Number) else None
        if a.typical is None or b.typical is None or type(operator) not in _ARITHMETIC:
            return Number()
        try:
            value = abs(_ARITHMETIC[type(operator)](a.typical, b.typical))
        except (ZeroDivisionError, OverflowError):
            return Number()
        return Number(value if isfinite(value) else None)

    def _merged(self, a: Type, b: Type) -> Type:
        if isinstance(a, Number) and isinstance(b, Number):
            return a if a.typical is not None else b
        return a if a == b else None

    def _call(self, node: ast.Call, names: Names) -> Type:
        if not isinstance(node.func, ast.Name):
            return None
        name = node.func.id
        types = [self.type_of(argument, names) for argument in node.args]
        table = types[0] if types else None
        if isinstance(table, Rows):
            of_rows: dict[str, Type] = {"len": Number(), **dict.fromkeys(_ROWS_CALLS, table)}
            return table.row if name in _ROW_CALLS else of_rows.get(name)
        if name in self.functions:
            return self._returned(name, types)
        if name in ("sum", "len"):
            return Number()
        if name not in _NUMERIC_CALLS or any(not isinstance(each, Number) for each in types):
            return None
        sizes = [each.typical for each in types if isinstance(each, Number) and each.typical is not None]
        if not sizes:
            return Number()
        return Number(min(sizes) if name == "min" else max(sizes))

    def _returned(self, name: str, types: list[Type]) -> Type:
        """Return the type of a helper's first return, given its arguments' types."""
        function = self.functions[name]
        if name in self._inside:
            return None
        names = dict(zip((argument.arg for argument in function.args.args), types, strict=False))
        self._inside.add(name)
        try:
            for statement in ast.walk(function):
                if isinstance(statement, ast.Return) and statement.value is not None:
                    return self.type_of(statement.value, names)
        finally:
            self._inside.discard(name)
        return None


def _literal(value: object) -> Type:
    if isinstance(value, bool):
        return Truth()
    if isinstance(value, int | float) and abs(value) < SENTINEL:
        return Number(abs(value))
    return None
