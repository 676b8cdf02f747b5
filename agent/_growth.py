"""Growing typed expressions: terms that weigh something, and conditions that are sometimes true.

Grown programs cannot divide by zero where the probe shows that zero is met, raise a negative number to a
fraction, or compare quantities whose sizes have nothing to do with each other.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from typing import NamedTuple

from ._inference import Names
from ._vocabulary import Held, Number, Vocabulary


class Grown(NamedTuple):
    """An expression and its usual size."""

    node: ast.expr
    typical: float


class Quantity(NamedTuple):
    """A number at hand: an attribute of a visible record, or a local."""

    variable: str
    field: str | None
    """None for a local."""
    typical: float
    unit: str
    divisor: bool
    """May be divided by as it is."""
    weight: float
    """Relative chance of being chosen."""
    per_row: bool = False
    """Differs between rows."""
    static: bool = False
    """Of a row, and never changing: a capacity or a speed."""

    @property
    def grown(self) -> Grown:
        """The quantity as an expression."""
        name = ast.Name(self.variable, ast.Load())
        node = name if self.field is None else ast.Attribute(name, self.field, ast.Load())
        return Grown(node, self.typical)


@dataclass(frozen=True)
class Growth:
    """Grows expressions from a vocabulary with one generator."""

    vocabulary: Vocabulary
    rng: Random

    def quantities(self, names: Names) -> list[Quantity]:
        """Return the numbers visible under ``names`` that ever differ from 0."""
        found: list[Quantity] = []
        for variable, kind in names.items():
            if isinstance(kind, Number) and kind.typical:
                found.append(Quantity(variable, None, kind.typical, "", False, 1.5))
            elif isinstance(kind, Held):
                # What tells rows apart decides; what is equal for all of them only scales.
                weight = 2.0 if kind.per_row else 1.0
                for quantity in kind.record.quantities:
                    size = self.vocabulary.size(kind.place, quantity.name)
                    if size.typical and not size.identity:
                        found.append(
                            Quantity(
                                variable,
                                quantity.name,
                                size.typical,
                                quantity.unit,
                                size.positive,
                                weight,
                                kind.per_row,
                                size.static,
                            )
                        )
        return found

    def term(self, names: Names, depth: int = 1) -> Grown | None:
        """Return a grown number; None where nothing is visible to build it from."""
        found = self.quantities(names)
        if not found:
            return None
        if any(each.per_row for each in found) and self.rng.random() < 0.6:
            return self._interaction(found)
        first = self._pick(found)
        shape = self.rng.random()
        if shape < 0.35 or len(found) == 1:
            return first.grown
        second = self._pick([each for each in found if each != first])
        nested = self.term(names, depth - 1) if depth > 1 and self.rng.random() < 0.5 else None
        inner = nested or first.grown
        if shape < 0.62:
            return self.ratio(inner, second)
        if shape < 0.75:
            return Grown(ast.BinOp(inner.node, ast.Mult(), second.grown.node), inner.typical * second.typical)
        if shape < 0.88:
            return self._sum(first, found)
        if shape < 0.95:
            limit = constant(inner.typical * self.spread(0.8))
            return Grown(call(self.rng.choice(("min", "max")), inner.node, limit), inner.typical)
        power = self.rng.choice((0.5, 0.7, 1.5, 2.0))
        raised = ast.BinOp(call("abs", inner.node), ast.Pow(), constant(power))
        return Grown(raised, min(inner.typical, 1e6) ** power)

    def ratio(self, top: Grown, bottom: Quantity) -> Grown:
        """Return ``top / bottom``, guarded where ``bottom`` can be 0."""
        if bottom.divisor:
            return Grown(ast.BinOp(top.node, ast.Div(), bottom.grown.node), top.typical / bottom.typical)
        offset = bottom.typical * self.rng.uniform(0.05, 1.0)
        guarded = ast.BinOp(call("abs", bottom.grown.node), ast.Add(), constant(offset))
        return Grown(ast.BinOp(top.node, ast.Div(), guarded), top.typical / (bottom.typical + offset))

    def condition(self, names: Names) -> ast.expr | None:
        """Return a grown condition that compares like with like; None where nothing is visible."""
        found = self.quantities(names)
        if not found:
            return None
        first = self._pick(found)
        operator = self.rng.choice((ast.Lt(), ast.Gt()))
        left = first.grown
        others = self._alike(first, found)
        if others and self.rng.random() < 0.6:
            second = self._pick(others)
            factor = constant(left.typical / second.typical * self.spread(0.7))
            right: ast.expr = ast.BinOp(factor, ast.Mult(), second.grown.node)
        else:
            if others and self.rng.random() < 0.4:
                left = self.ratio(left, self._pick(others))
            right = constant(left.typical * self.spread(0.7))
        return ast.Compare(left.node, [operator], [right])

    def spread(self, sigma: float) -> float:
        """Return a log-normal factor around 1."""
        return exp(self.rng.gauss(0.0, sigma))

    def _interaction(self, found: Sequence[Quantity]) -> Grown:
        """Return a term that tells rows apart: what is placed times what a row carries, per unit of its capacity.

        A quantity of the decision alone is the same for every row and cannot order them; the cost of putting
        one thing on top of others is their product.
        """
        rows = [each for each in found if each.per_row and not each.static]
        static = [each for each in found if each.static and each.divisor]
        # A reading of the clock says little about the thing itself.
        things = [each for each in found if not each.per_row and each.field and each.unit != "s"]
        shape = self.rng.random()
        if things and rows and shape < 0.55:
            thing, row = self._pick(things), self._pick(rows)
            grown = Grown(ast.BinOp(thing.grown.node, ast.Mult(), row.grown.node), thing.typical * row.typical)
        elif things and static and shape < 0.75:
            return self.ratio(self._pick(things).grown, self._pick(static))
        else:
            grown = self._pick(rows or found).grown
        if static and self.rng.random() < 0.6:
            return self.ratio(grown, self._pick(static))
        return grown

    def _sum(self, first: Quantity, found: Sequence[Quantity]) -> Grown:
        others = self._alike(first, found) or [each for each in found if each != first]
        second = self._pick(others)
        operator = self.rng.choice((ast.Add(), ast.Add(), ast.Sub()))
        node: ast.expr = second.grown.node
        if second.unit != first.unit or not first.unit:
            factor = constant(first.typical / second.typical * self.spread(0.7))
            node = ast.BinOp(factor, ast.Mult(), node)
        return Grown(ast.BinOp(first.grown.node, operator, node), first.typical)

    def _alike(self, first: Quantity, found: Sequence[Quantity]) -> list[Quantity]:
        """Return the other quantities of the same unit, or all others where there is none."""
        others = [each for each in found if each != first]
        return [each for each in others if each.unit == first.unit] or others

    def _pick(self, found: Sequence[Quantity]) -> Quantity:
        return self.rng.choices(found, [each.weight for each in found])[0]


def constant(value: float) -> ast.Constant:
    """Return a literal of three significant digits; whole where it is large."""
    rounded = float(f"{value:.3g}")
    return ast.Constant(int(rounded) if abs(rounded) >= 100 else rounded)


def call(name: str, *arguments: ast.expr) -> ast.Call:
    """Return a call of a builtin."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
