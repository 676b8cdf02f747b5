"""The evaluator of formulas: the judge reads them and reckons them itself, so nothing is started."""

from .._contract import Candidate, Cost
from .._errors import CandidateFault, ProblemError
from .._formula import Formula, FormulaInterface, read_formula
from .._problem import Problem
from .._screen import screen
from . import Place, Session


class FormulaEvaluator:
    """Judges formulas; see ``Evaluator``."""

    def screen(self, problem: Problem[Formula], candidate: Candidate) -> CandidateFault | None:
        """Check that the source is a formula of no more operations than are allowed."""
        fault = screen(candidate, problem.interface, problem.limits)
        if fault is not None:
            return fault
        try:
            read_formula(candidate.source, _interface(problem))
        except CandidateFault as unread:
            return unread
        return None

    def open(self, problem: Problem[Formula], candidate: Candidate, place: Place) -> Session[Formula]:
        """Return the candidate as it was read; what reckoning it takes, the judge's own clock has."""
        return Session(self.inline(problem, candidate), Cost, lambda: None)

    def inline(self, problem: Problem[Formula], candidate: Candidate) -> Formula:
        """Return the same: there is no difference between trusted code and other."""
        return read_formula(candidate.source, _interface(problem))

    def behaviour(self, problem: Problem[Formula], subject: Formula) -> str:
        """Return the digest of the operations: formulas that share it give the same bits everywhere."""
        return subject.digest

    def recorded_probe(self, problem: Problem[Formula]) -> None:
        """Return None: nothing has to be asked."""


def _interface(problem: Problem[Formula]) -> FormulaInterface:
    if not isinstance(problem.interface, FormulaInterface):
        raise ProblemError(f"{problem.name}: expected a formula problem, its kind is {problem.kind}")
    return problem.interface
