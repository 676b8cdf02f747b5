"""The proposer that needs no model: typed mutation and crossover of programs, with the baselines as material."""

import ast
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, Evaluation, Problem, SourceFile, policy_interface, policy_probe

from ._bandit import Chooser
from ._constant_tuning import TUNE, Tuner, tuning_draw
from ._crossovers import Crossover, blend, cross_hook, cross_subtree, mix_rankings
from ._division import divisors, guard_divisions
from ._fronts import from_front
from ._growth import Growth
from ._mutations import (
    Mutation,
    bend,
    change_point,
    grow_subtree,
    guard,
    insert_term,
    perturb,
    simplify,
    tune,
)
from ._program import size_of
from ._proposer import ArchiveView, Draw, Elite, Proposal, Task
from ._settings import RunSettings
from ._snapshots import Snapshots
from ._vocabulary import Vocabulary

MAX_NODES = 200
"""Expression nodes above which a program is refused, where no human design needs more (see ``Room``)."""
_LEAN_NODES = 120
_SPARE_NODES = 20
"""Of the lean room, beyond the largest human design."""
_TRIES = 16
_FALLBACKS = ("term", "term", "point")
"""What is tried where the drawn operator finds nothing to change: these nearly always do."""
_ANY_NICHE, _RANKS = 0.1, 1.0
"""Share of parents that are any niche's holder, and the mean rank of the others.

Beside tuned human designs nearly every better best is a child of one of the best three designs."""
_EARLY = 60
"""Commits during which whole hooks are recombined oftener: the baselines' best parts are cheap to find then."""


class Arm(NamedTuple):
    """An operator and how often it is drawn."""

    name: str
    weight: float
    early: float
    """Weight during the first ``_EARLY`` commits."""


ARMS = (
    Arm(TUNE, 0.15, 0.05),
    Arm("tune", 0.17, 0.06),
    Arm("perturb", 0.08, 0.04),
    Arm("term", 0.24, 0.22),
    Arm("mix", 0.12, 0.22),
    Arm("hook", 0.05, 0.20),
    Arm("crossover", 0.07, 0.07),
    Arm("blend", 0.05, 0.02),
    Arm("subtree", 0.04, 0.04),
    Arm("bend", 0.05, 0.03),
    Arm("point", 0.05, 0.04),
    Arm("simplify", 0.04, 0.02),
    Arm("guard", 0.04, 0.04),
)
ON_REQUEST = frozenset({TUNE})
"""Operators that ``docs/ablations`` does not find to help: drawn only where the settings name them."""
_MUTATIONS: dict[str, Mutation] = {
    "tune": tune,
    "perturb": perturb,
    "term": insert_term,
    "subtree": grow_subtree,
    "bend": bend,
    "point": change_point,
    "simplify": simplify,
    "guard": guard,
}
_CROSSOVERS: dict[str, Crossover] = {
    "mix": mix_rankings,
    "hook": cross_hook,
    "crossover": cross_subtree,
    "blend": blend,
}
_GROWING = frozenset({"term", "mix", "subtree", "crossover", "guard"})


class Room(NamedTuple):
    """How large a program may grow, in expression nodes."""

    lean: int
    """Above this, growing operators give way to ``simplify`` ever oftener."""
    most: int
    """Above this, a program is refused."""

    @classmethod
    def beside(cls, designs: Sequence[Candidate]) -> "Room":
        """Return room for children of the largest of ``designs``; what is no Python counts nothing."""
        lean = max(_LEAN_NODES, *(_nodes_of(design) + _SPARE_NODES for design in designs))
        return cls(lean, lean + MAX_NODES - _LEAN_NODES)


class GeneticProposer:
    """Evolves candidates on their syntax trees. Deterministic: ``write`` depends on its task alone.

    Args:
        problem: its interface types the programs, its probe tells the quantities' sizes, and its seed and
            baselines are the material that crossovers may draw on besides the elites.
        settings: of the run: which operators are drawn, and how they are chosen.

    Raises:
        SpeciateError: the settings name an operator there is not.
    """

    name = "genetic"

    def __init__(self, problem: Problem[Any], settings: RunSettings | None = None):
        self._chooser = Chooser(settings, [arm.name for arm in ARMS], ON_REQUEST)
        self._vocabulary = Vocabulary.of(policy_interface(problem), policy_probe(problem))
        self._snapshots = Snapshots(self._vocabulary)
        human = [each.candidate for each in problem.baselines() if not each.control and not each.withheld]
        self._library = [problem.seed(), *human]
        self._room = Room.beside(self._library)
        self._tuner = Tuner(problem)

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Choose an operator, a parent and, for a crossover, a mate."""
        early = view.commits < _EARLY
        weights = {arm.name: arm.early if early else arm.weight for arm in ARMS}
        operator = self._chooser.pick("operator", weights, view.history, rng)
        elites = view.elites
        if not elites:
            # Nothing is judged yet: a program of the library stands in for the parent.
            extra = {"base": rng.randrange(len(self._library)), "mate": rng.randrange(len(self._library))}
            return Draw(operator, (), rng.getrandbits(48), extra=extra)
        parent = from_front(view, select(elites, rng), rng)
        if operator == TUNE:
            return tuning_draw(view, parent.ticket, rng.getrandbits(48))
        if operator not in _CROSSOVERS:
            return Draw(operator, (parent.ticket,), rng.getrandbits(48))
        others = [elite for elite in elites if elite.ticket != parent.ticket]
        if not others or (operator != "blend" and rng.random() < 0.45):
            extra = {"mate": rng.randrange(len(self._library))}
            return Draw(operator, (parent.ticket,), rng.getrandbits(48), extra=extra)
        return Draw(operator, (parent.ticket, select(others, rng).ticket), rng.getrandbits(48))

    async def write(self, task: Task) -> Proposal:
        """Change the parent by the drawn operator; another one where that finds nothing to change."""
        tuned = self._tuner.child(task) if task.draw.operator == TUNE else None
        if tuned is not None:
            return Proposal(tuned)
        extra = task.draw.extra
        base = task.parents[0].candidate if task.parents else self._library[int(extra.get("base", 0))]
        library = self._library[int(extra.get("mate", 0))]
        mate = task.parents[1].candidate if len(task.parents) > 1 else library
        growth = Growth(self._vocabulary, Random(task.draw.seed))
        for attempt in range(_TRIES):
            operator = task.draw.operator if attempt < _TRIES // 2 else growth.rng.choice(_FALLBACKS)
            # Two programs are of one structure or they are not; trying again does not help.
            if operator == TUNE or (operator == "blend" and attempt):
                operator = "tune"
            try:
                text = self._change(operator, base.source, mate.source, growth)
            except (SyntaxError, ValueError, RecursionError) as error:
                return Proposal(None, note=f"the parent is no Python program that can be changed: {error}")
            if text is None:
                continue
            entry = SourceFile(path=base.files[0].path, text=text)
            child = Candidate(files=(entry, *base.files[1:]), language=base.language)
            if child.id not in (base.id, mate.id):
                return Proposal(child)
        return Proposal(None, note=f"{_TRIES} changes of the parent gave nothing new")

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Return None: a faulty child is dropped, another ticket is cheaper."""
        return None

    def _change(self, operator: str, source: str, mate: str, growth: Growth) -> str | None:
        """Return the changed source; None where the operator found nothing or the result is too large."""
        program = self._snapshots.program(source)
        if operator in _GROWING:
            excess = (program.size - self._room.lean) / (self._room.most - self._room.lean)
            operator = "simplify" if growth.rng.random() < excess else operator
        if operator in _MUTATIONS:
            changed = _MUTATIONS[operator](program, growth)
        else:
            changed = _CROSSOVERS[operator](program, self._snapshots.program(mate), growth)
        if not changed:
            return None
        guard_divisions(program.tree, _divisors(source) | _divisors(mate), self._vocabulary)
        text = program.text()
        # What was spliced in is read back, so that a child is always a program of its own.
        tree = ast.parse(text)
        return text if size_of(tree) <= self._room.most and _keeps_hooks(tree, self._vocabulary) else None


def select(elites: Sequence[Elite], rng: Random) -> Elite:
    """Return a parent: mostly among the best, by rank, sometimes any niche's."""
    if rng.random() < _ANY_NICHE:
        return rng.choice(elites)
    rank = min(int(rng.expovariate(1 / _RANKS)), len(elites) - 1)
    return elites[rank]


def _nodes_of(design: Candidate) -> int:
    try:
        return size_of(ast.parse(design.source))
    except (SyntaxError, ValueError, RecursionError):
        return 0


@lru_cache(maxsize=256)
def _divisors(source: str) -> frozenset[str]:
    return divisors(ast.parse(source))


def _keeps_hooks(tree: ast.Module, vocabulary: Vocabulary) -> bool:
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    return all(
        hook.name in functions and len(functions[hook.name].args.args) == len(hook.arguments)
        for hook in vocabulary.interface.hooks
    )
