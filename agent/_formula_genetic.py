"""The proposer of formulas that needs no model: numbers by what feedback tells, shapes by changes of the text.

A formula of another shape with its parent's numbers is good for nothing, however good the shape is. So it is given
the numbers with which it comes to what its parent did before it is judged; see ``_formula_tuning``.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from speciate.evaluators import Candidate, Evaluation, Problem

from ._bandit import Chooser
from ._constant_tuning import TUNE, Tuner, tuning_draw
from ._formula_shapes import SHAPES
from ._formula_tuning import DRIFT, LEVEL, NUDGE, NUMERIC, FormulaTuner, drift_draw, fresh_parent
from ._genetic import ON_REQUEST
from ._proposer import ArchiveView, Draw, Elite, Proposal, Task
from ._settings import RunSettings
from ._source_genetic import Arm, Workshop

ARMS = (
    Arm(LEVEL, 0.14),
    Arm(NUDGE, 0.26),
    Arm(DRIFT, 0.17),
    Arm("tune", 0.03),
    Arm("blend", 0.05),
    Arm("rewrite", 0.13),
    Arm("degree", 0.07),
    Arm("scale", 0.02),
    Arm("splice", 0.05),
    Arm("function", 0.02),
    Arm("term", 0.02),
    Arm("swap", 0.02),
    Arm("statement", 0.01),
    Arm("transplant", 0.01),
)
_TWO = frozenset({"blend", "splice", "function", "transplant"})
"""Operators that draw on a second design."""
_NOT_OF_TEXT = frozenset({TUNE, *NUMERIC})
"""Operators that look at more than the text of a parent."""
_NUMBERS = frozenset({"tune", "blend"})
"""Operators of the text that change numbers alone."""
_TRIES = 24
_FALLBACKS = ("rewrite", "degree", "tune")
"""What is tried where the drawn operator finds nothing to change."""
_AGAIN = 0.4
"""How often a change of the shape is followed by another: what one adds in operations, another has to save."""
_ANY_NICHE, _RANKS = 0.1, 2.0
"""Share of parents that are any niche's holder, and the mean rank of the others: the best few differ in shape."""


class FormulaProposer:
    """Evolves formulas. Deterministic: ``write`` depends on its task alone.

    Args:
        problem: its seed and its baselines (controls and those withheld apart) are the material that crossovers
            may draw on besides the elites.
        settings: of the run: which operators are drawn, and how they are chosen.

    Raises:
        SpeciateError: the settings name an operator there is not.
    """

    name = "genetic"

    def __init__(self, problem: Problem[Any], settings: RunSettings | None = None):
        self._weights = {TUNE: 0.15, **{arm.name: arm.weight for arm in ARMS}}
        self._chooser = Chooser(settings, self._weights, ON_REQUEST)
        self._workshop = Workshop(problem)
        self._tuner = Tuner(problem)
        self._formulas = FormulaTuner(problem)

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Choose an operator, a parent and, for a crossover, a mate."""
        library = self._workshop.library
        operator = self._chooser.pick("operator", self._weights, view.history, rng)
        extra = {"mate": rng.randrange(len(library))}
        elites = view.elites
        if not elites:
            # Nothing is judged yet: a program of the library stands in for the parent.
            return Draw(operator, (), rng.getrandbits(48), extra={**extra, "base": rng.randrange(len(library))})
        parent, seed = _selected(elites, rng), rng.getrandbits(48)
        if operator == TUNE:
            return tuning_draw(view, parent, seed)
        if operator == DRIFT:
            return drift_draw(view, parent, seed)
        if operator == LEVEL:
            return Draw(operator, (fresh_parent(view, parent, rng),), seed)
        others = [elite for elite in elites if elite.ticket != parent]
        if operator in _TWO and others and rng.random() < 0.6:
            return Draw(operator, (parent, _selected(others, rng)), seed)
        return Draw(operator, (parent,), seed, extra=extra)

    async def write(self, task: Task) -> Proposal:
        """Change the parent by the drawn operator; another one where that finds nothing to change."""
        tuned = self._tuned(task)
        if tuned is not None and tuned.id != task.parents[0].candidate.id:
            return Proposal(tuned)
        extra, library = task.draw.extra, self._workshop.library
        base = task.parents[0].candidate if task.parents else library[int(extra.get("base", 0)) % len(library)]
        given = library[int(extra.get("mate", 0)) % len(library)]
        mate = task.parents[1].candidate if len(task.parents) > 1 else given
        rng = Random(task.draw.seed)
        for attempt in range(_TRIES):
            drawn = task.draw.operator if attempt < _TRIES // 2 else rng.choice(_FALLBACKS)
            operator = "rewrite" if drawn in _NOT_OF_TEXT else drawn
            child = self._changed(base, mate, operator, rng)
            if child is not None and operator not in _NUMBERS and task.parents:
                child = self._formulas.settled(child, task.parents[0], rng)
            if child is not None and child.id not in (base.id, mate.id):
                return Proposal(child)
        return Proposal(None, note=f"{_TRIES} changes of the parent gave no other formula that is near it")

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Return None: a faulty child is dropped, another ticket is cheaper."""
        return None

    def _tuned(self, task: Task) -> Candidate | None:
        if task.draw.operator == TUNE:
            return self._tuner.child(task)
        return self._formulas.child(task) if task.draw.operator in NUMERIC else None

    def _changed(self, base: Candidate, mate: Candidate, operator: str, rng: Random) -> Candidate | None:
        """Return a child by one operator, or by that and other changes of its shape."""
        child = self._workshop.changed(base, mate, operator, rng)
        while child is not None and operator not in _NUMBERS and rng.random() < _AGAIN:
            child = self._workshop.changed(child, mate, rng.choice(list(SHAPES)), rng) or child
        return child


def _selected(elites: Sequence[Elite], rng: Random) -> int:
    """Return a parent's ticket: mostly among the best, by rank, sometimes any niche's.

    Designs of one score are one formula written in several ways: they have one rank together.
    """
    if rng.random() < _ANY_NICHE:
        return rng.choice(elites).ticket
    ranked = list({elite.score: elite.ticket for elite in reversed(elites)}.values())[::-1]
    return ranked[min(int(rng.expovariate(1 / _RANKS)), len(ranked) - 1)]
