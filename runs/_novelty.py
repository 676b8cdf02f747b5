"""Is a champion's structure new, or only its constants? Syntax trees compared with the constants stripped.

Equality is of syntax, not of behaviour: two ways to write one formula count as different structures, so
``constants`` is a firm verdict and ``structure`` an upper bound on what is new.
"""

import ast
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

from speciate.evaluators import Baseline, Candidate, Frozen, canonical_python

Kind = Literal["same", "constants", "structure"]


class Novelty(Frozen):
    """How a candidate's code relates to the nearest baseline's."""

    kind: Kind
    """``same``: a baseline itself; ``constants``: a baseline with other numbers; ``structure``: neither."""
    nearest: str
    """Name of the baseline that shares most; empty where there is none to compare with."""
    similarity: float
    """Dice coefficient of the two multisets of subtrees, constants stripped: 0 nothing shared, 1 all."""

    @property
    def sentence(self) -> str:
        """Return the verdict for a person."""
        if not self.nearest:
            return "There is no baseline to compare the structure with."
        if self.kind == "same":
            return f"The code is the baseline {self.nearest} itself."
        if self.kind == "constants":
            return f"The structure is that of the baseline {self.nearest}: only constants differ."
        return (
            "The structure is new: no baseline has this syntax tree once constants are stripped. "
            f"The nearest, {self.nearest}, shares {self.similarity:.0%} of the subtrees."
        )


class _Shape(NamedTuple):
    name: str
    text: str
    tree: str
    subtrees: Counter[str]


def novelty_of(candidate: Candidate, baselines: Iterable[Baseline]) -> Novelty:
    """Return the verdict on ``candidate`` against ``baselines`` (entry files compared).

    Args:
        candidate: a design that was judged, so its entry file parses; one that does not is ``structure``.
        baselines: the problem's human designs, controls included.
    """
    own = _shape("", candidate)
    best = Novelty(kind="structure", nearest="", similarity=0.0)
    for shape in (_shape(baseline.name, baseline.candidate) for baseline in baselines):
        similarity = _dice(own.subtrees, shape.subtrees)
        kind: Kind = "structure"
        if own.text == shape.text:
            kind, similarity = "same", 1.0
        elif own.tree == shape.tree:
            kind = "constants"
        found = Novelty(kind=kind, nearest=shape.name, similarity=similarity)
        if not best.nearest or _closeness(found) > _closeness(best):
            best = found
        if kind == "same":
            break
    return best


def _closeness(novelty: Novelty) -> tuple[bool, float]:
    return novelty.kind != "structure", novelty.similarity


def skeleton(source: str) -> ast.Module:
    """Return the syntax tree of ``source`` with its numbers, local names and annotations made anonymous.

    Top-level names bound once to a number are replaced by that (anonymous) number, so a named constant and
    a literal are alike. Raises SyntaxError.
    """
    tree = ast.parse(canonical_python(source))
    constants = _constant_names(tree)
    tree.body = [statement for statement in tree.body if _binding(statement) not in constants]
    return _Anonymous(constants, _local_names(tree)).visit_Module(tree)


def _shape(name: str, candidate: Candidate) -> _Shape:
    text = canonical_python(candidate.source)
    try:
        tree = skeleton(candidate.source)
    except (SyntaxError, ValueError, RecursionError):
        return _Shape(name, text, text, Counter([text]))
    subtrees = Counter(ast.dump(node) for node in ast.walk(tree) if isinstance(node, ast.expr | ast.stmt))
    return _Shape(name, text, ast.dump(tree), subtrees)


def _dice(left: Counter[str], right: Counter[str]) -> float:
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 0.0


def _is_number(node: ast.expr | None) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return _is_number(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _binding(node: ast.stmt) -> str | None:
    """Return the name that ``node`` binds to a number, if that is all it does."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id if _is_number(node.value) else None
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id if _is_number(node.value) else None
    return None


def _constant_names(tree: ast.Module) -> frozenset[str]:
    stored = Counter(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    bound = {name for statement in tree.body if (name := _binding(statement)) is not None}
    return frozenset(name for name in bound if stored[name] == 1)


def _local_names(tree: ast.Module) -> dict[str, str]:
    """Number arguments and assigned names by first appearance; functions keep their names."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        found = None
        if isinstance(node, ast.arg):
            found = node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found = node.id
        if found is not None:
            names.setdefault(found, f"v{len(names)}")
    return names


class _Anonymous(ast.NodeTransformer):
    """Strips numbers, local names and annotations."""

    def __init__(self, constants: frozenset[str], locals_: dict[str, str]):
        self.constants = constants
        self.locals = locals_

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(value=0) if isinstance(node.value, int | float) else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return ast.Constant(value=0) if _is_number(node) else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.constants:
            return ast.Constant(value=0)
        return ast.Name(id=self.locals.get(node.id, node.id), ctx=node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=self.locals.get(node.arg, node.arg))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.Pass()
        return self.generic_visit(ast.Assign(targets=[node.target], value=node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)
