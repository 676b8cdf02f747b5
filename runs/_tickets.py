"""An external run from the command line's side: begin it, open it, and hand files in."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from speciate.agent import EXTERNAL, Archive, Event, External, RunRecord
from speciate.evaluators import Candidate, Executor, Problem, SpeciateError, executor_named, problem_of, sandbox_named

from ._progress import Progress
from ._search import Choices, Interrupted, judge_of
from ._submission import submission
from ._tally import Tally


class Door(NamedTuple):
    """An external run, open for asking and telling."""

    run: RunRecord
    problem: Problem[Any]
    external: External

    def shown(self, archive: Archive, number: int) -> Candidate:
        """Return the design that a ticket starts from. Raises SpeciateError for an unknown ticket."""
        parents = archive.ticket(self.run.id, number).draw.parents
        return archive.candidates_of(self.run.id, parents[0])[-1].candidate if parents else self.problem.seed()

    def candidate(self, archive: Archive, number: int, texts: Mapping[str, str]) -> Candidate:
        """Return the candidate that ``texts`` make of a ticket's design. Raises SpeciateError."""
        return submission(self.problem, self.shown(archive, number), texts)


def door(
    archive: Archive, run: RunRecord, executor: Executor, on_event: Callable[[Event], None] = lambda event: None
) -> Door:
    """Open a run to outsiders. Raises SpeciateError for a run that has other inventors, or that cannot be judged."""
    if run.settings.proposer != EXTERNAL:
        raise SpeciateError(
            f"run {run.id} invents by itself ({run.settings.proposer}); expected one that was begun with "
            f"`speciate run {run.problem.name} --proposer external`"
        )
    problem = problem_of(run.problem)
    sandbox_named(run.settings.sandbox)
    return Door(run, problem, External(archive, run.id, problem, judge_of(run, executor), on_event))


def newest(archive: Archive) -> RunRecord:
    """Return the newest external run that is not finished. Raises SpeciateError where there is none."""
    runs = [run for run in archive.runs() if run.settings.proposer == EXTERNAL and run.state != "finished"]
    if not runs:
        raise SpeciateError(
            f"{archive.database.name} has no external run with budget left; expected the id of a run, or first "
            "`speciate run PROBLEM --proposer external --evals N`"
        )
    return runs[-1]


def caught_up(archive: Archive, run: RunRecord, progress: Progress, choices: Choices) -> RunRecord:
    """Judge what an external run was begun with and what it was told, and return it as it then stands.

    Raises:
        Interrupted: by the user; everything done so far is kept.
        SpeciateError: the database, the sandbox or the problem cannot be used.
    """
    workers = choices.workers or run.settings.workers
    with closing(executor_named(choices.executor, workers)) as executor:
        opened = door(archive, run, executor, progress.on_event)
        progress.begin(Tally(archive, run, opened.problem))
        try:
            asyncio.run(opened.external.catch_up())
        except (KeyboardInterrupt, asyncio.CancelledError) as error:
            raise Interrupted(run.id) from error
        finally:
            progress.end()
    return archive.run(run.id)
