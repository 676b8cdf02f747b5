"""The control arm: programs grown at random on the seed's skeleton, with no selection and no memory."""

import ast
from random import Random
from typing import Any

from speciate.evaluators import Candidate, Evaluation, Problem, SourceFile, policy_interface, policy_probe

from ._division import divisors, guard_divisions
from ._genetic import MAX_NODES
from ._growth import Growth
from ._mutations import guard
from ._program import Program
from ._proposer import ArchiveView, Draw, Proposal, Task
from ._vocabulary import Vocabulary

_TRIES = 16


class RandomProposer:
    """Replaces the seed's numbers and conditions by grown ones of the genetic proposer's grammar.

    It never looks at the archive, so what a search gains over it at an equal budget is what selection bought.
    """

    name = "random"

    def __init__(self, problem: Problem[Any]):
        self._vocabulary = Vocabulary.of(policy_interface(problem), policy_probe(problem))
        self._seed = problem.seed()

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Draw nothing but the seed of the growth."""
        return Draw("grow", (), rng.getrandbits(48))

    async def write(self, task: Task) -> Proposal:
        """Grow a program."""
        growth = Growth(self._vocabulary, Random(task.draw.seed))
        for _ in range(_TRIES):
            program = self._grown(growth)
            entry = SourceFile(path=self._seed.files[0].path, text=program.text())
            child = Candidate(files=(entry, *self._seed.files[1:]), language=self._seed.language)
            if program.size <= MAX_NODES and child.id != self._seed.id:
                return Proposal(child)
        return Proposal(None, note=f"{_TRIES} growths gave nothing new")

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Return None: chance does not mend."""
        return None

    def _grown(self, growth: Growth) -> Program:
        program = Program.parse(self._seed.source, self._vocabulary)
        sites = [site for site in program.sites if site.root]
        # Innermost places first: an outer replacement drops what was grown inside it, never the reverse.
        for site in reversed(sites):
            if growth.rng.random() < 0.6:
                if site.kind == "truth":
                    condition = growth.condition(site.names)
                    if condition is not None:
                        site.put(condition)
                else:
                    grown = growth.term(site.names, depth=growth.rng.choice((1, 2, 3)))
                    if grown is not None:
                        site.put(grown.node)
        if growth.rng.random() < 0.3:
            guard(program, growth)
        guard_divisions(program.tree, divisors(ast.parse(self._seed.source)), self._vocabulary)
        return program
