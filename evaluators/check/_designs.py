"""Designs made from a problem's interface, by kind: trivial, prying, hostile and memorising ones."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from .._contract import Candidate
from .._problem import Problem
from ._python_attacks import Attack
from ._trials import Design


class KindDesigns(Protocol):
    """What the checks judge beside a problem's own designs."""

    def constants(self, problem: Problem[Any]) -> list[Design]:
        """Return designs that do not look at what they are asked."""

    def rules(self, problem: Problem[Any], honest: Candidate) -> list[Design]:
        """Return designs that answer by one thing they see; they stand on the ``honest`` one for the rest."""

    def attacks(self, problem: Problem[Any], honest: Candidate, claim: float, hidden: Sequence[str]) -> list[Attack]:
        """Return hostile designs. ``claim`` is a score too good to be true; ``hidden`` are files none may read."""

    def memorising(
        self, problem: Problem[Any], honest: Candidate, plain: Candidate, names: Sequence[str]
    ) -> Design | None:
        """Return a design that is ``honest`` on the train workloads ``names``, and ``plain`` on all others.

        It knows them by the first question that each begins with. None where no such design can be made.
        """


def designs_of(kind: str) -> KindDesigns | None:
    """Return how designs of a kind are made, None where nobody said how."""
    if kind == "policy":
        from ._policy_designs import PolicyDesigns

        return PolicyDesigns()
    if kind == "plan":
        from ._plan_designs import PlanDesigns

        return PlanDesigns()
    if kind in ("program", "command"):
        from ._program_designs import CommandDesigns, ProgramDesigns

        return ProgramDesigns() if kind == "program" else CommandDesigns()
    if kind == "kernel":
        from ._kernel_designs import KernelDesigns

        return KernelDesigns()
    if kind == "formula":
        from ._formula_designs import FormulaDesigns

        return FormulaDesigns()
    return None


def hidden_files(problem: Problem[Any]) -> list[str]:
    """Return paths that no candidate may be able to read: the problem's own files, and the judge's."""
    own = Path(inspect.getfile(type(problem))).resolve()
    beside = [path.resolve() for path in sorted(problem.folder.glob("*")) if path.is_file()][:20]
    judge = Path(__file__).resolve()
    return [str(path) for path in dict.fromkeys([own, *beside, judge, Path("/etc/shadow")])]
