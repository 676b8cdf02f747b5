"""A Python program of unknown types as places that may be changed, each by an edit of its text.

Edits keep comments and layout, and what lies outside the EVOLVE blocks is not a place, so it cannot change.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from ._blocks import Region, free_regions, within

Role = Literal["rank", "test", "number", "literal", "other"]
"""What an expression is there for: an order is made by it, a branch is taken by it, it is reckoned with, it is a
number that may be tuned, or none of these is known."""

_ELEMENTWISE_ORDER = frozenset({"argsort", "argmin", "argmax"})
_ORDERS = ast.Lt | ast.LtE | ast.Gt | ast.GtE
_SENTINEL = 1e12
"""Numbers from here on stand for infinity and are left alone."""
LISTS = (ast.List, ast.ListComp, ast.Dict, ast.DictComp, ast.Set, ast.SetComp, ast.GeneratorExp, ast.JoinedStr)
"""What is a collection by its form."""
_LINE = re.compile(r"\r\n|\r|\n")


class Place(NamedTuple):
    """An expression that may be changed."""

    node: ast.expr
    above: tuple[ast.AST, ...]
    """What it stands in, outermost first."""
    role: Role
    start: int
    """Offsets of its text."""
    end: int

    @property
    def parent(self) -> ast.AST:
        """What it stands in at once."""
        return self.above[-1]

    @property
    def statement(self) -> ast.stmt | None:
        """The innermost statement around it."""
        return next((node for node in reversed(self.above) if isinstance(node, ast.stmt)), None)

    @property
    def function(self) -> ast.FunctionDef | None:
        """The outermost function around it."""
        return next((node for node in self.above if isinstance(node, ast.FunctionDef)), None)


class Step(NamedTuple):
    """A statement on lines of its own that may be changed, with its siblings."""

    node: ast.stmt
    above: tuple[ast.AST, ...]
    block: list[ast.stmt]
    position: int
    start: int
    """Offset of its first line."""
    end: int
    """Offset behind its last line."""


@dataclass
class Source:
    """A parsed file and what may be changed in it. Raises SyntaxError, ValueError, RecursionError if it is none."""

    text: str
    tree: ast.Module = field(init=False)
    places: list[Place] = field(init=False, default_factory=list)
    steps: list[Step] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)
        self._starts = [0, *(match.end() for match in _LINE.finditer(self.text))]
        self._regions: tuple[Region, ...] = free_regions(self.text)
        _Walk(self).run()

    @cached_property
    def size(self) -> int:
        """Number of expression nodes."""
        return sum(isinstance(node, ast.expr) for node in ast.walk(self.tree))

    @property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Top-level functions by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @cached_property
    def module_names(self) -> frozenset[str]:
        """What the top level binds."""
        return frozenset(name for statement in self.tree.body for name in bound_by(statement))

    @cached_property
    def imported(self) -> frozenset[str]:
        """Names of imported modules, and what is imported from them."""
        imports = [each for each in self.tree.body if isinstance(each, ast.Import | ast.ImportFrom)]
        return frozenset(name for each in imports for name in bound_by(each))

    @cached_property
    def listed(self) -> frozenset[str]:
        """Names that are given a list or the like somewhere: nothing to reckon with."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and _is_list(node.value):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return frozenset(found)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return the offsets of a node's text."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def lines(self, node: ast.stmt) -> tuple[int, int] | None:
        """Return the offsets of the whole lines of a statement; None where it shares them with another."""
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        assert node.end_lineno is not None
        start, end = self._starts[first - 1], self._line_end(node.end_lineno)
        before = self.text[start : self.span(node)[0]] if first == node.lineno else ""
        after = self.text[self.span(node)[1] : end].strip()
        return (start, end) if not before.strip() and (not after or after.startswith("#")) else None

    def is_free(self, start: int, end: int) -> bool:
        """Return whether all of ``[start, end)`` may be changed."""
        return within(self._regions, start, end)

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        text = self.text[start : self._line_end(line)]
        return start + (column if text.isascii() else len(text.encode()[:column].decode()))

    def _line_end(self, line: int) -> int:
        return self._starts[line] if line < len(self._starts) else len(self.text)

    def replaced(self, place: Place, node: ast.expr) -> str | None:
        """Return the text with ``node`` in the place, in brackets where it needs them; None where it cannot be."""
        text = ast.unparse(node)
        forms = [f"({text})"] if isinstance(node, ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Compare) else []
        bracketed = [edited(self.text, place.start, place.end, form) for form in forms]
        plain = edited(self.text, place.start, place.end, text)
        if not bracketed:
            return plain if parsed(plain) else None
        tree = parsed(bracketed[0])
        bare = parsed(plain)
        if tree is None:
            return None
        return plain if bare is not None and ast.dump(bare) == ast.dump(tree) else bracketed[0]


def edited(text: str, start: int, end: int, new: str) -> str:
    """Return ``text`` with ``[start, end)`` replaced by ``new``."""
    return text[:start] + new + text[end:]


def parsed(text: str) -> ast.Module | None:
    """Return the tree of ``text``; None where it is not a program."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_number(node: ast.AST) -> bool:
    """Return whether ``node`` is a literal number that may be tuned."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return False
    return abs(node.value) < _SENTINEL


def _is_list(node: ast.expr) -> bool:
    """Return whether an expression is a list, a dictionary, a list times a number, or sorted."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.left, LISTS) or isinstance(node.right, LISTS)
    return isinstance(node, LISTS) or (isinstance(node, ast.Call) and called(node) in ("sorted", "list", "dict", "set"))


def bound_by(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope, those of its inner statements included."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda):
            continue
        waiting.extend(ast.iter_child_nodes(node))


def read_by(node: ast.AST) -> frozenset[str]:
    """Return the names that ``node`` reads and does not bind itself (as comprehensions and lambdas do)."""
    read = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    own: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.comprehension):
            own |= {name.id for name in ast.walk(each.target) if isinstance(name, ast.Name)}
        elif isinstance(each, ast.Lambda):
            own |= {argument.arg for argument in each.args.args}
    return frozenset(read - own)


def visible_at(source: Source, above: Sequence[ast.AST], line: int) -> frozenset[str]:
    """Return the names that are bound where something stands on ``line`` inside ``above``."""
    names = set(source.module_names)
    for node in above:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            arguments = node.args
            names |= {each.arg for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
        if isinstance(node, ast.FunctionDef):
            # Not what other branches bind: only what stands before the line on the way down to it.
            names |= {name for statement in node.body if statement.lineno < line for name in _before(statement, line)}
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            targets = [each for generator in node.generators for each in ast.walk(generator.target)]
            names |= {each.id for each in targets if isinstance(each, ast.Name)}
    return frozenset(names)


def _before(statement: ast.stmt, line: int) -> Iterator[str]:
    """Yield what ``statement`` surely binds by ``line``: of a loop around the line also what it counts with."""
    assert statement.end_lineno is not None
    if statement.end_lineno < line:
        yield from bound_by(statement)
        return
    if isinstance(statement, ast.For):
        yield from (each.id for each in ast.walk(statement.target) if isinstance(each, ast.Name))
    for block in ("body", "orelse", "finalbody"):
        inner = getattr(statement, block, [])
        if inner and inner[0].lineno <= line <= (inner[-1].end_lineno or 0):
            for each in inner:
                if each.lineno < line:
                    yield from _before(each, line)


class _Walk:
    """Lists the places and steps of a source, in the order of its text."""

    def __init__(self, source: Source):
        self.source = source
        nodes = list(ast.walk(source.tree))
        compared = [node for node in nodes if isinstance(node, ast.Compare) and isinstance(node.ops[0], _ORDERS)]
        sides = [side for node in compared for side in (node.left, *node.comparators)]
        self.ordered = {side.id for side in sides if isinstance(side, ast.Name)}
        """Names that an order is made by: scores."""
        keys = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "key"]
        self.keys = {key.id for key in keys if isinstance(key, ast.Name)}
        """Functions that an order is made by."""
        self.inside: list[str] = []

    def run(self) -> None:
        """Walk the top level."""
        self._block(self.source.tree.body, (self.source.tree,))
        # A tree has the test of a conditional expression before what is written in front of it, and keys before values.
        self.source.places.sort(key=lambda place: (place.start, -place.end))

    def _block(self, block: list[ast.stmt], above: tuple[ast.AST, ...]) -> None:
        for index, statement in enumerate(block):
            lines = self.source.lines(statement)
            if lines is not None and self.source.is_free(*lines):
                self.source.steps.append(Step(statement, above, block, index, *lines))
            self._statement(statement, (*above, statement))

    def _statement(self, statement: ast.stmt, above: tuple[ast.AST, ...]) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_text(statement):
            return
        for name, value in ast.iter_fields(statement):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                named = [statement.name] if isinstance(statement, ast.FunctionDef) else []
                self.inside += named
                self._block(value, above)
                del self.inside[len(self.inside) - len(named) :]
            elif name not in ("annotation", "returns", "decorator_list", "targets", "target", "type_params"):
                self._fields(value, above, self._role_of_value(statement, name))

    def _role_of_value(self, statement: ast.stmt, slot: str) -> Role:
        match statement:
            case ast.If() if slot == "test":
                return "test"
            case ast.AugAssign():
                return "number"
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp() | ast.Call()) if name in self.ordered:
                return "rank"
            case ast.Return() if any(name in self.keys for name in self.inside):
                return "rank"
        return "other"

    def _fields(self, value: object, above: tuple[ast.AST, ...], role: Role) -> None:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.expr):
                self._expression(each, above, role)
            elif isinstance(each, ast.ExceptHandler | ast.match_case):
                self._block(each.body, (*above, each))
            elif isinstance(each, ast.keyword | ast.comprehension | ast.arguments | ast.withitem):
                self._below(each, above)

    def _expression(self, node: ast.expr, above: tuple[ast.AST, ...], role: Role) -> None:
        if isinstance(node, ast.JoinedStr):
            return  # what stands in an f-string has no offsets of its own before Python 3.12
        start, end = self.source.span(node)
        if self.source.is_free(start, end) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            self.source.places.append(Place(node, above, "literal" if is_number(node) else role, start, end))
        self._below(node, above)

    def _below(self, node: ast.AST, above: tuple[ast.AST, ...]) -> None:
        inner = (*above, node)
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "targets", "target"):
                self._fields(value, inner, _role(node, name, above))


def _role(node: ast.AST, slot: str, above: Sequence[ast.AST]) -> Role:
    """Return the role of what stands in a slot of ``node``."""
    if isinstance(node, ast.BinOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)):
        return "number"
    if isinstance(node, ast.Compare) and all(isinstance(operator, _ORDERS) for operator in node.ops):
        return "number"
    if (isinstance(node, ast.IfExp) and slot == "test") or (isinstance(node, ast.comprehension) and slot == "ifs"):
        return "test"
    if isinstance(node, ast.BoolOp):
        return "test"
    if isinstance(node, ast.Lambda) and slot == "body":
        return "rank" if _is_key(above) else "other"
    if isinstance(node, ast.Tuple) and above and _makes_order(above):
        return "rank"
    if isinstance(node, ast.Call) and slot == "args" and called(node) in _ELEMENTWISE_ORDER:
        return "rank"
    if isinstance(node, ast.Attribute) and node.attr in _ELEMENTWISE_ORDER:
        # `np` of np.argsort(x) is no order; a name that is a module is refused later by what is reckoned with.
        return "rank" if above and isinstance(above[-1], ast.Call) and not above[-1].args else "other"
    return "other"


def _makes_order(above: Sequence[ast.AST]) -> bool:
    """Return whether a tuple in ``above`` is what things are ordered by: of a key, or pushed on a heap."""
    last = above[-1]
    pushed = isinstance(last, ast.Call) and called(last) in ("heappush", "heappushpop", "heapreplace")
    return pushed or (isinstance(last, ast.Lambda) and _is_key(above[:-1]))


def _is_key(above: Sequence[ast.AST]) -> bool:
    return bool(above) and isinstance(above[-1], ast.keyword) and above[-1].arg == "key"


def called(node: ast.Call) -> str:
    """Return the last name of what is called: ``argsort`` of ``np.argsort(x)``."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_text(statement: ast.stmt) -> bool:
    """Return whether it is a docstring, or another text that does nothing."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
