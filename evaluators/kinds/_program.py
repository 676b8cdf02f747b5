"""The evaluator of programs: each run of the candidate's program in a fresh room."""

from .._contract import Candidate
from .._errors import CandidateFault, ProblemError
from .._problem import Problem
from .._program import Program, ProgramInterface, RoomProgram, screen_files
from .._room import Rooms
from ..sandbox import sandbox_named
from . import Place, Session


class ProgramEvaluator:
    """Judges programs; see ``Evaluator``."""

    def screen(self, problem: Problem[Program], candidate: Candidate) -> CandidateFault | None:
        """Check names, sizes, and that Python parses."""
        return screen_files(candidate, _interface(problem), problem.limits)

    def open(self, problem: Problem[Program], candidate: Candidate, place: Place) -> Session[Program]:
        """Build the candidate. Raises CandidateFault(INVALID) with the compiler's words."""
        program = RoomProgram(candidate, _interface(problem), Rooms(place.limits, place.sandbox, place.cpu))
        program.build()
        # A room lives for one run, so there is nothing to end.
        return Session(program, lambda: program.cost, lambda: None)

    def inline(self, problem: Problem[Program], candidate: Candidate) -> Program:
        """Return trusted code as a program. It too runs in a room: there is no running of a program in this process."""
        rooms = Rooms(problem.limits.for_workloads(_MANY), sandbox_named())
        return RoomProgram(candidate, _interface(problem), rooms)

    def behaviour(self, problem: Problem[Program], subject: Program) -> None:
        """Return None: programs that answer alike may differ in speed, which often is what counts."""

    def recorded_probe(self, problem: Problem[Program]) -> None:
        """Return None, as ``behaviour`` does."""


_MANY = 1000
"""Workloads: trusted code has no budget over all of them."""


def _interface(problem: Problem[Program]) -> ProgramInterface:
    if not isinstance(problem.interface, ProgramInterface):
        raise ProblemError(f"{problem.name}: expected a program problem, its kind is {problem.kind}")
    return problem.interface
