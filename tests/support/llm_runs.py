"""A run with tickets and a proposer ``llm`` on it, against the test server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speciate.agent import (
    Archive,
    Budget,
    Draw,
    LLMProposer,
    ModelSettings,
    Parent,
    RunSettings,
    Task,
    create_run,
    open_archive,
)
from speciate.agent._pace import Clock
from speciate.agent._tables import Reply, Request
from speciate.evaluators import Candidate, Evaluation, Measurement, ProblemRef, Status
from sqlalchemy import RowMapping, select

from .lanes import EARLIEST, SHORTEST, Lanes, problem

KEY = "sk-very-secret-0123456789abcdef"


@dataclass
class LLMRun:
    """One run on disk. ``slept`` collects the waits, which do not happen but on its own clock ``now``."""

    archive: Archive
    run_id: str
    settings: RunSettings
    problem: Lanes
    slept: list[float] = field(default_factory=list)
    now: float = 0.0

    def proposer(self, environ: Mapping[str, str] | None = None) -> LLMProposer:
        """Return a proposer of a new sitting."""
        return LLMProposer(
            self.problem,
            self.settings,
            self.archive.database,
            self.run_id,
            environ={"OPENAI_API_KEY": KEY} if environ is None else environ,
            clock=Clock(lambda: self.now, self._sleep),
        )

    def task(self, operator: str = "rewrite", *, model: str = "m", seed: int = 1) -> Task:
        """Issue the next ticket, with one judged parent and one inspiration."""
        number = len(self.archive.tickets(self.run_id))
        draw = Draw(operator=operator, parents=(0, 1), seed=seed, model=model)
        self.archive.issue(self.run_id, number, 0, "llm", draw)
        return self.again(number, draw)

    def again(self, number: int, draw: Draw) -> Task:
        """Return a ticket's task as a resumed run would build it."""
        parents = (judged(0, EARLIEST, 8.0), judged(1, SHORTEST, 9.0))
        return Task(self.run_id, number, draw, parents)

    def rows(self) -> list[RowMapping]:
        """Return all requests with their replies, in order of sending."""
        query = select(Request.__table__, Reply.__table__).outerjoin(Reply, Reply.request_id == Request.id)
        with self.archive.database.read() as connection:
            return list(connection.execute(query.order_by(Request.id)).mappings())

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def llm_run(
    place: Path | str,
    base_url: str | None,
    *,
    budget: Budget | None = None,
    repairs: int = 1,
    others: Sequence[ModelSettings] = (),
    chosen: Mapping[str, Any] | None = None,
    given: str = EARLIEST,
    **model: Any,
) -> LLMRun:
    """Return a new run from one design, with one model ``m``, ``others`` where given, and ``chosen`` further settings.

    ``place`` is a folder, or the URL of a server's empty database.
    """
    archive = open_archive(place / "runs.db" if isinstance(place, Path) else place, create=True)
    the_problem = problem({})
    settings = RunSettings(
        problem=ProblemRef(name="lanes"),
        proposer="llm",
        models=(ModelSettings(**{"name": "m", "base_url": base_url, "timeout_s": 30.0, **model}), *others),
        budget=budget or Budget(evaluations=100),
        repairs=repairs,
        **(chosen or {}),
    )
    run_id = create_run(archive, settings, the_problem, [Candidate.from_source(given)])
    return LLMRun(archive, run_id, settings, the_problem)


def judged(ticket: int, source: str, score: float) -> Parent:
    """Return a parent with one measurement."""
    candidate = Candidate.from_source(source)
    measured = Measurement(
        workload="train/load1", objective=score, metrics={"p99": 3 * score}, feedback="slow lane idle"
    )
    evaluation = Evaluation(
        candidate=candidate.id, split="train", status=Status.OK, score=score, measurements=(measured,)
    )
    return Parent(ticket, candidate, evaluation)


def failed(candidate: Candidate, status: Status, detail: str) -> Evaluation:
    """Return the evaluation of a candidate that failed."""
    return Evaluation(candidate=candidate.id, split="train", status=status, detail=detail)
