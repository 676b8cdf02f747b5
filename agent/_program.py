"""A candidate as a syntax tree with its places of change: typed sites, constants, loops over rows.

What decides *which* replica is answered (indices, the running best and its score) is no place of change: only
the numbers and conditions it is decided by are.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from speciate.evaluators import canonical_python

from ._inference import SENTINEL, Inference, Names
from ._vocabulary import Number, Rows, Truth, Type, Vocabulary

SiteKind = Literal["number", "truth"]


class Site(NamedTuple):
    """An expression that may be replaced by another of its kind."""

    parent: ast.AST
    slot: str
    place: int | None
    """Position where the slot is a list."""
    kind: SiteKind
    names: Names
    """Variables visible there."""
    function: str
    """The top-level function it lies in."""
    typical: float | None
    root: bool
    """Not an operand of a larger number or condition."""
    ranking: bool
    """It is what rows or requests are ordered by: a key, or the score that the best one is chosen by."""

    @property
    def node(self) -> ast.expr:
        """The expression as it is now."""
        held = getattr(self.parent, self.slot)
        found: ast.expr = held if self.place is None else held[self.place]
        return found

    def put(self, node: ast.expr) -> None:
        """Replace the expression."""
        if self.place is None:
            setattr(self.parent, self.slot, node)
        else:
            getattr(self.parent, self.slot)[self.place] = node


class Loop(NamedTuple):
    """A loop over rows in an integer hook: where a guard can be inserted."""

    node: ast.For
    names: tuple[Names, ...]
    """Variables visible before each statement of the body."""


class Choice(NamedTuple):
    """A return of an integer hook that hands out a name."""

    node: ast.Return
    names: Names


@dataclass
class Program:
    """A parsed candidate. Build it afresh for each change: operators edit the tree in place."""

    tree: ast.Module
    vocabulary: Vocabulary
    sites: list[Site] = field(default_factory=list)
    constants: list[ast.Constant] = field(default_factory=list)
    """Numbers that may be tuned, inline and at the top level."""
    loops: list[Loop] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    definitions: dict[tuple[str, str], ast.expr] = field(default_factory=dict)
    """What a local number is, by function and name; only of names assigned once."""

    @classmethod
    def parse(cls, source: str, vocabulary: Vocabulary) -> "Program":
        """Parse and type a candidate. Raises SyntaxError (or RecursionError) where it is not a program."""
        tree = ast.parse(canonical_python(source))
        program = cls(tree, vocabulary)
        _Survey(program).run()
        return program

    @property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Top-level functions by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @property
    def size(self) -> int:
        """Number of expression nodes, the measure of bloat."""
        return size_of(self.tree)

    def text(self) -> str:
        """Return the program as source."""
        return ast.unparse(ast.fix_missing_locations(self.tree)) + "\n"


def size_of(node: ast.AST) -> int:
    """Return the number of expression nodes below ``node``."""
    return sum(isinstance(each, ast.expr) for each in ast.walk(node))


def top_level_numbers(tree: ast.Module) -> dict[str, ast.Constant]:
    """Return the constants of assignments ``NAME = 1.5`` (or ``-1.5``) at the top level, by name."""
    found: dict[str, ast.Constant] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=(ast.Constant() as constant) | ast.UnaryOp(operand=ast.Constant() as constant),
            ) if is_number(constant):
                found[name] = constant
    return found


def is_number(node: ast.AST) -> bool:
    """Return whether ``node`` is a literal number that may be tuned."""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
        and abs(node.value) < SENTINEL
    )


def magnitude(node: ast.Constant) -> float:
    """Return the absolute value of a literal number."""
    return abs(float(node.value)) if isinstance(node.value, int | float) else 0.0


class _Survey:
    """Walks a program once, in the order of execution, and lists its places of change."""

    def __init__(self, program: Program):
        self.program = program
        self.functions = program.functions
        numbers = top_level_numbers(program.tree)
        program.constants.extend(numbers.values())
        known: dict[str, Type] = {name: Number(magnitude(node)) for name, node in numbers.items()}
        self.infer = Inference(program.vocabulary, known, self.functions)
        self.calls: dict[str, dict[str, Type]] = {}
        """Parameter types of helpers, from their first call met."""
        self.state: set[str] = set()
        """Names of the function at hand that are assigned more than once, or carry the decision."""
        self.function, self.chooses, self.ranking = "", False, False
        self.ranked: set[str] = set()
        """Locals of the function at hand that are compared with its state: scores."""

    def run(self) -> None:
        """Walk the hooks, then the helpers they call, each once."""
        done: set[str] = set()
        for hook in self.program.vocabulary.interface.hooks:
            function = self.functions.get(hook.name)
            if function is not None:
                types = self.program.vocabulary.parameters(hook.name)
                names: dict[str, Type] = dict(zip(_parameters(function), types, strict=False))
                self._function(function, names, chooses=hook.answer.kind == "integer")
                done.add(hook.name)
        while waiting := [name for name in self.calls if name not in done]:
            for name in waiting:
                done.add(name)
                self._function(self.functions[name], self.calls[name], chooses=False)

    def _function(self, function: ast.FunctionDef, names: dict[str, Type], chooses: bool) -> None:
        nodes = list(ast.walk(function))
        assigned = Counter(_assigned(nodes))
        self.state = {name for name, times in assigned.items() if times > 1}
        self.function, self.chooses = function.name, chooses
        if chooses:
            # A loop's own variable may be returned at once and still be what conditions are about.
            self.state |= _decision_names(nodes) & assigned.keys()
        self.ranked = {name for name in _compared(nodes, self.state) if name not in self.state}
        self._body(function.body, dict(names))

    def _body(self, body: list[ast.stmt], names: dict[str, Type]) -> None:
        for statement in body:
            self._statement(statement, names)

    def _statement(self, statement: ast.stmt, names: dict[str, Type]) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(statement, name, value, names)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                self._unpack(targets, values, names)
            case ast.AugAssign(target=ast.Name(), value=value) if not isinstance(value, ast.Constant):
                self._visit(statement, "value", None, names, root=True)
            case ast.For():
                self._loop(statement, names)
            case ast.If():
                self._visit(statement, "test", None, names, root=True)
                self._body(statement.body, dict(names))
                self._body(statement.orelse, dict(names))
            case ast.Return(value=ast.expr() as value):
                if self.chooses:
                    self.program.choices.append(Choice(statement, dict(names)))
                    self._decision(value, names)
                else:
                    self._rank(statement, "value", None, names)
            case ast.Expr(value=ast.Call(keywords=keywords, func=ast.Attribute(value=base, attr="sort"))):
                self._keyed(keywords, self.infer.type_of(base, names), names)

    def _assign(self, statement: ast.Assign, name: str, value: ast.expr, names: dict[str, Type]) -> None:
        kind = self.infer.type_of(value, names)
        if self.chooses and name in self.state and not isinstance(kind, Number):
            self._decision(value, names)
        elif name in self.ranked:
            self._rank(statement, "value", None, names)
        elif not (name in self.state and isinstance(value, ast.Name | ast.Constant)):
            self._visit(statement, "value", None, names, root=True)
        if isinstance(kind, Number) and name not in self.state:
            self.program.definitions[self.function, name] = value
        # A number that changes later is no term to build with; a row or a table stays what it is.
        names[name] = None if name in self.state and isinstance(kind, Number) else kind

    def _unpack(self, targets: list[ast.expr], values: list[ast.expr], names: dict[str, Type]) -> None:
        """Bind what ``a, b = x.a, x.b`` names. The line itself stays as it is: it only abbreviates."""
        kinds = [self.infer.type_of(value, names) for value in values]
        for target, value, kind in zip(targets, values, kinds, strict=False):
            if isinstance(target, ast.Name) and target.id not in self.state:
                names[target.id] = kind
                if isinstance(kind, Number):
                    self.program.definitions[self.function, target.id] = value

    def _loop(self, loop: ast.For, names: dict[str, Type]) -> None:
        table = self.infer.type_of(loop.iter, names)
        self._visit(loop, "iter", None, names, root=True)
        inner = dict(names)
        inner.update(self.infer.bound(loop.target, loop.iter, names))
        before = []
        for statement in loop.body:
            before.append(dict(inner))
            self._statement(statement, inner)
        if self.chooses and isinstance(table, Rows):
            self.program.loops.append(Loop(loop, tuple(before)))

    def _decision(self, value: ast.expr, names: Names) -> None:
        """Visit only what a decision depends on: conditions, and the keys rows are compared by."""
        match value:
            case ast.IfExp():
                self._visit(value, "test", None, names, root=True)
                self._decision(value.body, names)
                self._decision(value.orelse, names)
            case ast.Attribute(value=base) | ast.Subscript(value=base):
                self._decision(base, names)
            case ast.Call() | ast.ListComp() | ast.GeneratorExp():
                self._children(value, names)

    def _visit(self, parent: ast.AST, slot: str, index: int | None, names: Names, root: bool) -> None:
        """List the expression in a slot, if it may be replaced, and look below it."""
        held = getattr(parent, slot)
        node: ast.expr = held if index is None else held[index]
        kind = self.infer.type_of(node, names)
        if isinstance(kind, Truth) and self._touches_state(node):
            return
        if isinstance(kind, Number | Truth):
            what: SiteKind = "number" if isinstance(kind, Number) else "truth"
            typical = kind.typical if isinstance(kind, Number) else None
            # The walk goes on binding names; a site keeps those that are bound where it stands.
            ranking = self.ranking and root and what == "number"
            site = Site(parent, slot, index, what, dict(names), self.function, typical, root, ranking)
            self.program.sites.append(site)
        if isinstance(node, ast.Constant) and is_number(node):
            self.program.constants.append(node)
        self.ranking = False
        self._children(node, names)

    def _children(self, node: ast.expr, names: Names) -> None:
        match node:
            case ast.BinOp(op=ast.Pow()):
                # An exponent is tuned and never replaced: a grown one would overflow.
                self._visit(node, "left", None, names, root=False)
                if isinstance(node.right, ast.Constant) and is_number(node.right):
                    self.program.constants.append(node.right)
            case ast.BinOp() | ast.UnaryOp() | ast.IfExp():
                for slot in ("left", "right", "operand", "test", "body", "orelse"):
                    if slot in node._fields:
                        self._visit(node, slot, None, names, root=slot == "test")
            case ast.Compare():
                self._visit(node, "left", None, names, root=True)
                self._each(node, "comparators", node.comparators, names, root=True)
            case ast.BoolOp():
                self._each(node, "values", node.values, names, root=False)
            case ast.Tuple() | ast.List():
                self._each(node, "elts", node.elts, names, root=True)
            case ast.ListComp() | ast.GeneratorExp():
                self._comprehension(node, names)
            case ast.Call():
                self._call(node, names)
            case ast.Subscript() | ast.Attribute():
                self._children(node.value, names)

    def _each(self, node: ast.AST, slot: str, items: list[ast.expr], names: Names, root: bool) -> None:
        for index in range(len(items)):
            self._visit(node, slot, index, names, root)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp, names: Names) -> None:
        inner = self.infer.comprehension(node, names)
        for generator in node.generators:
            self._children(generator.iter, names)
            self._each(generator, "ifs", generator.ifs, inner, root=True)
        self._visit(node, "elt", None, inner, root=True)

    def _call(self, node: ast.Call, names: Names) -> None:
        if not isinstance(node.func, ast.Name):
            return
        types = [self.infer.type_of(argument, names) for argument in node.args]
        name = node.func.id
        if name in self.functions and name not in self.calls:
            self.calls[name] = dict(zip(_parameters(self.functions[name]), types, strict=False))
        if isinstance(self.infer.type_of(node, names), Number) or any(isinstance(t, Rows) for t in types):
            self._each(node, "args", node.args, names, root=False)
            self._keyed(node.keywords, types[0] if types else None, names)

    def _keyed(self, keywords: list[ast.keyword], table: Type, names: Names) -> None:
        """Visit the body of ``key=lambda row: ...``."""
        for keyword in keywords:
            if isinstance(keyword.value, ast.Lambda) and keyword.arg == "key" and isinstance(table, Rows):
                inner = dict(names)
                inner.update({argument.arg: table.row for argument in keyword.value.args.args[:1]})
                body = keyword.value.body
                if isinstance(body, ast.Tuple) and body.elts:
                    self._rank(body, "elts", 0, inner)
                    for index in range(1, len(body.elts)):
                        self._visit(body, "elts", index, inner, root=True)
                else:
                    self._rank(keyword.value, "body", None, inner)

    def _rank(self, parent: ast.AST, slot: str, index: int | None, names: Names) -> None:
        """Visit what an order is made by."""
        self.ranking = True
        self._visit(parent, slot, index, names, root=True)
        self.ranking = False

    def _touches_state(self, node: ast.expr) -> bool:
        return any(isinstance(each, ast.Name) and each.id in self.state for each in ast.walk(node))


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args]


def _assigned(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yield each name as often as it is assigned (loop variables apart)."""
    for node in nodes:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


def _compared(nodes: Sequence[ast.AST], state: set[str]) -> set[str]:
    """Return the names in comparisons that involve one of ``state``."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Compare):
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            found |= names if names & state else set()
    return found


def _decision_names(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names that a return hands out as the decision, directly or by their attribute."""
    found: set[str] = set()
    waiting = [node.value for node in nodes if isinstance(node, ast.Return) and node.value]
    while waiting:
        match waiting.pop():
            case ast.Name(id=name):
                found.add(name)
            case ast.Attribute(value=base) | ast.Subscript(value=base):
                waiting.append(base)
            case ast.IfExp(body=body, orelse=orelse):
                waiting += [body, orelse]
    return found
