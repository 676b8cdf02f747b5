"""Changes that bring a second program's material into a first."""

import ast
import copy
from collections.abc import Callable, Iterator

from ._digits import USUAL, digits_of
from ._growth import Growth, call, constant
from ._mutations import choose
from ._program import Program, Site, size_of, top_level_numbers
from ._vocabulary import Held, Number

Crossover = Callable[[Program, Program, Growth], bool]

_BUILTINS = frozenset({"min", "max", "abs", "float", "int", "round"})


def cross_subtree(program: Program, mate: Program, growth: Growth) -> bool:
    """Replace an expression by one of the mate's, renamed to what is visible there."""
    kind = "truth" if growth.rng.random() < 0.2 else "number"
    site = choose(program, growth, "truth" if kind == "truth" else "number")
    donors = [each for each in mate.sites if each.kind == kind and size_of(each.node) > 2]
    if site is None or not donors:
        return False
    for _ in range(8):
        donor = growth.rng.choices(donors, [3.0 if each.root else 1.0 for each in donors])[0]
        moved = _Translation(mate, donor, site).translated()
        if moved is None or ast.dump(moved) == ast.dump(site.node):
            continue
        if kind == "number" and growth.rng.random() < 0.4:
            moved = _combined(site, donor, moved, growth)
        site.put(moved)
        return True
    return False


def mix_rankings(program: Program, mate: Program, growth: Growth) -> bool:
    """Order by a blend of what both programs order by: a sum, weighted so that both count, or a product."""
    pairs = [
        (site, donor)
        for site in program.sites
        for donor in mate.sites
        if site.ranking and donor.ranking and site.function == donor.function
    ]
    if not pairs:
        return False
    # Rankings with more to go by are blended oftener: a key sees little, a placement much.
    weights = [size_of(site.node) ** 0.5 for site, _ in pairs]
    for _ in range(4):
        site, donor = growth.rng.choices(pairs, weights)[0]
        moved = _Translation(mate, donor, site).translated()
        if moved is None or ast.dump(moved) == ast.dump(site.node):
            continue
        if growth.rng.random() < 0.8:
            ratio = (site.typical or 1.0) / (donor.typical or 1.0)
            weight = constant(ratio * growth.spread(1.0))
            site.put(ast.BinOp(site.node, ast.Add(), ast.BinOp(weight, ast.Mult(), moved)))
        else:
            power = constant(growth.rng.choice((0.3, 0.5, 1.0)))
            factor = ast.BinOp(call("abs", moved), ast.Pow(), power)
            site.put(ast.BinOp(site.node, ast.Mult(), factor))
        return True
    return False


def _combined(site: Site, donor: Site, moved: ast.expr, growth: Growth) -> ast.expr:
    """Return the site's own expression joined with the mate's instead of replaced by it."""
    if site.typical and donor.typical and growth.rng.random() < 0.6:
        weight = constant(site.typical / donor.typical * growth.spread(0.7))
        return ast.BinOp(site.node, ast.Add(), ast.BinOp(weight, ast.Mult(), moved))
    return ast.BinOp(site.node, ast.Mult(), moved)


class _Translation:
    """Carries an expression of a mate over to a site: variables by record, constants by value, locals inlined."""

    def __init__(self, mate: Program, donor: Site, site: Site):
        self.mate, self.donor, self.site = mate, donor, site
        self.numbers = top_level_numbers(mate.tree)

    def translated(self) -> ast.expr | None:
        """Return the expression in the site's names; None where something in it has no counterpart."""
        return self._carry(copy.deepcopy(self.donor.node), depth=0)

    def _carry(self, node: ast.expr, depth: int) -> ast.expr | None:
        if depth > 6 or isinstance(node, ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.Subscript):
            return None
        if isinstance(node, ast.Name):
            return self._name(node, depth)
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in _BUILTINS or node.keywords:
                return None
            carried = [self._carry(each, depth) for each in node.args]
            node.args = [each for each in carried if each is not None]
            return node if len(node.args) == len(carried) else None
        for name, value in ast.iter_fields(node):
            parts = value if isinstance(value, list) else [value]
            for index, part in enumerate(parts):
                if not isinstance(part, ast.expr):
                    continue
                moved = self._carry(part, depth)
                if moved is None:
                    return None
                if isinstance(value, list):
                    value[index] = moved
                else:
                    setattr(node, name, moved)
        return node

    def _name(self, node: ast.Name, depth: int) -> ast.expr | None:
        kind = self.donor.names.get(node.id)
        if isinstance(kind, Held):
            return self._variable(kind)
        definition = self.mate.definitions.get((self.donor.function, node.id))
        if isinstance(kind, Number) and definition is not None:
            return self._carry(copy.deepcopy(definition), depth + 1)
        if kind is None and node.id in self.numbers and node.id not in self.donor.names:
            return copy.deepcopy(self.numbers[node.id])
        return None

    def _variable(self, kind: Held) -> ast.expr | None:
        """Return the site's variable that holds the same record, the same place first."""
        held = [(name, each) for name, each in self.site.names.items() if isinstance(each, Held)]
        for name, each in held:
            if each.place == kind.place:
                return ast.Name(name, ast.Load())
        for name, each in held:
            if each.record.name == kind.record.name:
                return ast.Name(name, ast.Load())
        return None


def cross_hook(program: Program, mate: Program, growth: Growth) -> bool:
    """Take over one whole hook of the mate, with the top-level names it uses."""
    hooks = [hook.name for hook in program.vocabulary.interface.hooks]
    different = [
        name
        for name in hooks
        if name in program.functions
        and name in mate.functions
        and ast.dump(program.functions[name]) != ast.dump(mate.functions[name])
    ]
    if not different or len(hooks) < 2:
        return False
    name = growth.rng.choice(different)
    needed = _needed(mate.tree, name)
    kept = set[str]()
    for each in hooks:
        if each != name:
            kept |= _needed(program.tree, each)
    base = [each for each in program.tree.body if kept.intersection(_binds(each)) or _binds(each) == [""]]
    taken = [copy.deepcopy(each) for each in mate.tree.body if needed.intersection(_binds(each))]
    shared = {ast.dump(each) for each in base}
    taken = [each for each in taken if isinstance(each, ast.FunctionDef) or ast.dump(each) not in shared]
    if name in kept:
        return False
    clashes = kept & {bound for each in taken for bound in _binds(each)} - {""}
    renamed = {old: _fresh(old, kept | needed) for old in sorted(clashes)}
    for statement in taken:
        _rename(statement, renamed)
    program.tree.body = sorted([*base, *taken], key=_rank)
    return True


def _needed(tree: ast.Module, name: str) -> set[str]:
    """Return the top-level names that a function uses, directly or through others, its own included."""
    bodies: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for bound in _binds(statement):
            bodies.setdefault(bound, []).append(statement)
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in found or current not in bodies:
            continue
        found.add(current)
        for statement in bodies[current]:
            waiting += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return found


def _binds(statement: ast.stmt) -> list[str]:
    """Return the names a top-level statement binds; one empty name for a statement that binds none."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(alias.asname or alias.name).split(".")[0] for alias in names]
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            return [node.id for node in _stored(statement)] or [""]
    return [""]


def _stored(statement: ast.stmt) -> Iterator[ast.Name]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node


def _fresh(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _rename(tree: ast.stmt, renamed: dict[str, str]) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = renamed.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = renamed.get(node.arg, node.arg)
        elif isinstance(node, ast.FunctionDef):
            node.name = renamed.get(node.name, node.name)
        elif isinstance(node, ast.Global):
            node.names = [renamed.get(each, each) for each in node.names]


def _rank(statement: ast.stmt) -> int:
    """Order imports, then values, then functions; equal ones keep their order."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return 0
    return 2 if isinstance(statement, ast.FunctionDef | ast.ClassDef) else 1


def blend(program: Program, mate: Program, growth: Growth) -> bool:
    """Move the constants along the line to a mate of the same structure, or beyond it."""
    if len(program.constants) != len(mate.constants) or _skeleton(program) != _skeleton(mate):
        return False
    step = growth.rng.uniform(-0.7, 1.2)
    moved = False
    for own, other in zip(program.constants, mate.constants, strict=True):
        a, b = own.value, other.value
        if isinstance(a, int | float) and isinstance(b, int | float) and a != b:
            digits = max(digits_of(repr(a)), digits_of(repr(b)))
            value = float(f"{max(a + step * (b - a), 0.0):.{digits if digits > USUAL else 3}g}")
            own.value = round(value) if isinstance(a, int) and a >= 10 else value
            moved = True
    return moved


def _skeleton(program: Program) -> str:
    """Return the program's structure without the values of its constants."""
    tree = copy.deepcopy(program.tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            node.value = 0
    return ast.dump(tree)
