"""The operators of the proposer ``llm``: how often each is drawn, when it can be, and what it is drawn with."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from ._bandit import Chooser
from ._constant_tuning import TUNE, barren, relatives
from ._fronts import from_front
from ._ideas import IDEA, TRIED, PlansOf, is_asked_for, open_plan, tried
from ._proposer import ANEW, PEERS, ArchiveView, Draw, Elite
from ._variants import VARIANTS, variant_of

REWRITE, DIFF, CROSSOVER, SIMPLIFY = "rewrite", "diff", "crossover", "simplify"
WEIGHTS = {DIFF: 0.27, REWRITE: 0.2, IDEA: 0.17, TUNE: 0.18, CROSSOVER: 0.13, SIMPLIFY: 0.05}
"""Static weights of all operators, by name."""
ON_REQUEST = frozenset({TUNE})
"""Operators that ``docs/ablations`` does not find to help: drawn only where the settings name them."""
_SECOND_MATE = 0.35
"""Share of crossovers of three designs."""


class Drawing:
    """Draws the tickets of one run, all but their models.

    Args:
        chooser: chooses operators and variants.
        plans_of: tells what earlier tickets planned.
    """

    def __init__(self, chooser: Chooser, plans_of: PlansOf):
        self._allowed = [name for name in WEIGHTS if chooser.allows(name)]
        self._chooser = chooser
        self._plans_of = plans_of

    def begun(self, view: ArchiveView, model: str, rng: Random) -> Draw:
        """Return operator, variant, parent and seed. The parent of rank r (0 is the best) has weight 1 / (r + 1).

        No elites: no parents, and the problem's seed is what will be improved.
        """
        elites = view.elites
        parents: tuple[int, ...] = ()
        if elites:
            rank = rng.choices(range(len(elites)), weights=[1 / (rank + 1) for rank in range(len(elites))])[0]
            parents = (from_front(view, elites[rank], rng).ticket,)
        operator = self._chooser.pick("operator", self._offered(view, parents), view.history, rng)
        variant = self._chooser.pick("variant", dict.fromkeys(VARIANTS, 1.0), view.history, rng)
        return Draw(operator, parents, rng.getrandbits(32), model, variant)

    def completed(self, draw: Draw, view: ArchiveView, rng: Random) -> Draw:
        """Return a draw with what its operator needs: mates, inspirations, peers or a plan."""
        others = [elite for elite in view.elites if elite.ticket not in draw.parents]
        if draw.operator == TUNE:
            peers = relatives(view.history, draw.parents[0]) if draw.parents else []
            return replace(draw, model=None, variant="", extra={PEERS: peers})
        if draw.operator == SIMPLIFY:
            return replace(draw, variant="", extra={ANEW: True})
        if draw.operator == CROSSOVER:
            return _joined(draw, _mates(others, rng))
        draw = _joined(draw, rng.sample(others, min(variant_of(draw.variant).inspirations, len(others))))
        return self._planned(draw, view, rng) if draw.operator == IDEA else draw

    def _offered(self, view: ArchiveView, parents: Sequence[int]) -> dict[str, float]:
        """Return the weights of the operators that have something to do now; all allowed ones where none has."""
        idle = set() if parents else {TUNE, SIMPLIFY}
        idle |= {CROSSOVER} if len(view.elites) < 2 else set()
        idle |= {TUNE} if parents and barren(view.history, parents[0]) else set()
        idle |= {IDEA} if is_asked_for(view) and open_plan(view, self._plans_of) is None else set()
        names = [name for name in self._allowed if name not in idle]
        return {name: WEIGHTS[name] for name in names or self._allowed}

    def _planned(self, draw: Draw, view: ArchiveView, rng: Random) -> Draw:
        """Return the draw of a ticket that writes the next open plan, on what it was made for, or asks for new ones."""
        ref = open_plan(view, self._plans_of)
        asker = next((past for past in view.history if ref and past.ticket == ref.ticket), None)
        if ref is None or asker is None:
            extra = {"pick": rng.randrange(1 << 16), "tried": tried(view.history, self._plans_of)[:TRIED]}
            return replace(draw, extra=extra)
        return replace(draw, parents=asker.parents, extra={"plan": list(ref)})


def _mates(others: Sequence[Elite], rng: Random) -> list[Elite]:
    """Return one or two elites of other niches, the better ones oftener."""
    wanted, left = 1 + (rng.random() < _SECOND_MATE), list(others)
    mates: list[Elite] = []
    while left and len(mates) < wanted:
        rank = rng.choices(range(len(left)), weights=[1 / (rank + 1) for rank in range(len(left))])[0]
        mates.append(left.pop(rank))
    return mates


def _joined(draw: Draw, elites: Sequence[Elite]) -> Draw:
    return replace(draw, parents=(*draw.parents, *(elite.ticket for elite in elites)))
