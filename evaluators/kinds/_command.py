"""The evaluator of commands: the user's benchmark, run with the candidate in a fresh room."""

import os

from .._command import LABEL, Command, CommandInterface, RoomCommand, unreadable_by_others
from .._contract import Candidate
from .._errors import CandidateFault, ProblemError
from .._problem import Problem
from .._program import screen_files
from .._room import Rooms
from ..sandbox import Sandbox, sandbox_named
from . import Place, Session

_MANY = 1000
"""Workloads: trusted code has no budget over all of them."""


class CommandEvaluator:
    """Judges what a benchmark command measures; see ``Evaluator``."""

    def screen(self, problem: Problem[Command], candidate: Candidate) -> CandidateFault | None:
        """Check names, sizes, and that Python parses."""
        return screen_files(candidate, _interface(problem), problem.limits)

    def open(self, problem: Problem[Command], candidate: Candidate, place: Place) -> Session[Command]:
        """Return the candidate before the benchmark. Nothing has run yet."""
        interface = _interface(problem)
        _require_readable(interface, place.sandbox)
        command = RoomCommand(candidate, interface, Rooms(place.limits, place.sandbox, place.cpu))
        # A room lives for one run, so there is nothing to end.
        return Session(command, lambda: command.rooms.cost, lambda: None, labels=(LABEL,))

    def inline(self, problem: Problem[Command], candidate: Candidate) -> Command:
        """Return trusted code before the benchmark; both run in a room all the same."""
        interface, sandbox = _interface(problem), sandbox_named()
        _require_readable(interface, sandbox)
        return RoomCommand(candidate, interface, Rooms(problem.limits.for_workloads(_MANY), sandbox))

    def behaviour(self, problem: Problem[Command], subject: Command) -> None:
        """Return None: only the benchmark knows what a candidate does."""

    def recorded_probe(self, problem: Problem[Command]) -> None:
        """Return None, as ``behaviour`` does."""


def _interface(problem: Problem[Command]) -> CommandInterface:
    if not isinstance(problem.interface, CommandInterface):
        raise ProblemError(f"{problem.name}: expected a command problem, its kind is {problem.kind}")
    return problem.interface


def _require_readable(interface: CommandInterface, sandbox: Sandbox) -> None:
    if os.geteuid() != 0 and sandbox.name != "docker":
        return
    path = unreadable_by_others(interface.folder)
    if path is not None:
        raise ProblemError(
            f"{path}: expected a problem's files to be readable by all, since the benchmark runs as another user; "
            f"run: chmod -R o+rX {interface.folder}"
        )
