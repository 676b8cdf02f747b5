"""Every write of an archive. Each method is one transaction, and a kill between two of them loses nothing."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, Evaluation, Problem, SpeciateError
from sqlalchemy import Connection, insert, update

from ._cache import ArchiveCache
from ._database import BUSY_TIMEOUT_S, Database, open_database
from ._grid import Inserted
from ._lock import sole_writer
from ._proposer import NO_REASONS, Draw, Reasons
from ._reader import ArchiveReader
from ._records import STARTER, CandidateRecord, TicketRecord, evaluation_values, measurement_values
from ._settings import RunSettings
from ._statements import (
    ADD_CANDIDATE,
    ADD_EVALUATION,
    ADD_INSERTION,
    ADD_MEASUREMENT,
    ADD_SOURCE,
    ADD_TICKET,
    BRING_CLOCK,
    CLOSE_TICKET,
    HAS_SOURCE,
)
from ._tables import Opening, Run
from ._tessellation import laid_out

GIVEN = "given"
"""Proposer of the candidates a run starts from."""


def open_archive(place: str | Path, create: bool = False, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> "Archive":
    """Open the archive at a path or an SQLAlchemy URL.

    Args:
        place: an SQLite file, ``sqlite:///PATH`` or a server's URL.
        create: make an archive where there is no file or an empty one.
        busy_timeout_s: seconds to wait for a lock of another process.

    Raises:
        SpeciateError: in one line, for whatever keeps the archive from being used.

    >>> archive = open_archive("runs.db", create=True)  # doctest: +SKIP
    """
    return Archive(open_database(place, create=create, busy_timeout_s=busy_timeout_s))


class Closing(NamedTuple):
    """How a ticket ends: what its commit writes."""

    outcome: str
    note: str
    entry: Inserted | None
    """What the candidate did to the grid; None for one that is not archived."""
    agent_cpu_s: float
    elapsed_s: float
    """Of the run, over all sittings."""


class Archive(ArchiveReader):
    """Reads and writes of all runs in one database. One process writes a run at a time (``sole_writer``)."""

    def __init__(self, database: Database, now: Callable[[], float] = time.time):
        super().__init__(database)
        self.now = now
        """Seconds since the epoch, for the rows' time stamps; nothing is computed from them."""

    def close(self) -> None:
        """Give back the database's connections."""
        self.database.close()

    def cache(self, run_id: str, visible: int, *, behaviours: bool = True) -> ArchiveCache:
        """Return the run's past as of ``visible`` commits, for a judge in any process; see ``ArchiveCache``."""
        return ArchiveCache(self.database.address, run_id, visible, behaviours)

    def sole_writer(self, run_id: str) -> AbstractContextManager[None]:
        """Hold the run while it is searched. Raises SpeciateError if it is held already.

        The lock dies with the process, so a killed run can be resumed at once.
        """
        return sole_writer(self.database, run_id)

    def add_run(self, values: Mapping[str, Any], starters: Sequence[Candidate]) -> None:
        """Write a run's row and the tickets of the candidates it starts from."""
        with self.database.write() as connection:
            connection.execute(insert(Run).values(created_at=self.now(), state="stopped", **values))
            for number, candidate in enumerate(starters):
                draw = Draw(operator=STARTER, parents=(), seed=number)
                self._issue(connection, values["id"], number, 0, GIVEN, draw)
                self._store_candidate(connection, values["id"], CandidateRecord(number, 0, candidate, ""))

    def issue(self, run_id: str, number: int, visible: int, proposer: str, draw: Draw) -> TicketRecord:
        """Write a ticket as drawn, and return it."""
        with self.database.write() as connection:
            return self._issue(connection, run_id, number, visible, proposer, draw)

    def store_candidate(
        self, run_id: str, ticket: int, turn: int, candidate: Candidate, idea: str, reasons: Reasons = NO_REASONS
    ) -> None:
        """Write what a ticket produced in one turn, before anything depends on it."""
        with self.database.write() as connection:
            self._store_candidate(connection, run_id, CandidateRecord(ticket, turn, candidate, idea, reasons))

    def store_evaluation(
        self,
        run_id: str,
        evaluation: Evaluation,
        purpose: str,
        ticket: int | None = None,
        turn: int | None = None,
        repetition: int = 0,
    ) -> int:
        """Write the judge's word and its measurements; return the row's id.

        Args:
            run_id: the run it belongs to.
            evaluation: what the judge said.
            purpose: ``search``, ``remeasure``, ``experiment``, ``champion``, ``report``, ``baseline:NAME``
                or ``real:SITTING``.
            ticket: the ticket it is for; None outside the search.
            turn: the ticket's turn; None outside the search.
            repetition: which measuring it is, where the problem is noisy.
        """
        with self.database.write() as connection:
            whose = {"ticket": ticket, "turn": turn, "purpose": purpose, "repetition": repetition}
            values = {"run_id": run_id, "created_at": self.now(), **whose, **evaluation_values(evaluation)}
            row: int = connection.execute(ADD_EVALUATION, values).scalar_one()
            if evaluation.measurements:
                parts = [measurement_values(row, i, each) for i, each in enumerate(evaluation.measurements)]
                connection.execute(ADD_MEASUREMENT, parts)
        return row

    def commit(self, run_id: str, ticket: int, closing: "Closing") -> None:
        """Close a ticket, log what it did to the grid, and bring the run's clock up to date."""
        entry = closing.entry
        with self.database.write() as connection:
            connection.execute(
                CLOSE_TICKET,
                {
                    "of_run": run_id,
                    "of_ticket": ticket,
                    "outcome": closing.outcome,
                    "note": closing.note,
                    "agent_cpu_s": closing.agent_cpu_s,
                    "committed_at": self.now(),
                },
            )
            connection.execute(BRING_CLOCK, {"of_run": run_id, "elapsed_s": closing.elapsed_s})
            if entry is not None:
                connection.execute(
                    ADD_INSERTION,
                    {
                        "run_id": run_id,
                        "ticket": ticket,
                        "cell": entry.cell,
                        "score": entry.score,
                        "result": entry.result,
                        "replaced": entry.replaced.ticket if entry.replaced else None,
                        "repetitions": entry.repetitions,
                        "decided": entry.decided,
                        "holder_score": entry.holder_score,
                        "further": list(entry.further) or None,
                    },
                )

    def set_state(self, run_id: str, state: str, reason: str, elapsed_s: float) -> None:
        """Write that a run is ``running``, ``finished`` or ``stopped``, and why."""
        finished_at = None if state == "running" else self.now()
        values = {"state": state, "reason": reason, "elapsed_s": elapsed_s, "finished_at": finished_at}
        with self.database.write() as connection:
            connection.execute(update(Run).where(Run.id == run_id).values(**values))

    def set_settings(self, run_id: str, settings: RunSettings) -> None:
        """Write changed settings; a run that was finished may go on with them (it may have a larger budget)."""
        mine = update(Run).where(Run.id == run_id)
        with self.database.write() as connection:
            connection.execute(mine.values(settings=settings.model_dump(mode="json")))
            again = {"state": "stopped", "reason": "its settings were changed"}
            connection.execute(mine.where(Run.state == "finished").values(again))

    def set_champion(self, run_id: str, candidate_id: str) -> None:
        """Write which candidate validation chose."""
        with self.database.write() as connection:
            connection.execute(update(Run).where(Run.id == run_id).values(champion=candidate_id))

    def add_opening(self, run_id: str, split: str, candidates: Sequence[str], reason: str) -> None:
        """Write, before it happens, that workloads outside train are opened, for whom and why."""
        with self.database.write() as connection:
            connection.execute(
                insert(Opening).values(
                    run_id=run_id,
                    split=split,
                    candidates=list(candidates),
                    reason=reason,
                    opened_at=self.now(),
                )
            )

    def _issue(
        self, connection: Connection, run_id: str, number: int, visible: int, proposer: str, draw: Draw
    ) -> TicketRecord:
        now = self.now()
        connection.execute(
            ADD_TICKET,
            {
                "run_id": run_id,
                "number": number,
                "visible": visible,
                "proposer": proposer,
                "operator": draw.operator,
                "model": draw.model,
                "parents": list(draw.parents),
                "draw": {"seed": draw.seed, **draw.extra},
                "island": draw.island,
                "variant": draw.variant,
                "issued_at": now,
            },
        )
        return TicketRecord(number, visible, proposer, draw, None, "", now, None, 0.0)

    def _store_candidate(self, connection: Connection, run_id: str, record: CandidateRecord) -> None:
        candidate = record.candidate
        files = [file.model_dump() for file in candidate.files]
        source = _source_hash(candidate.language, files)
        if connection.execute(HAS_SOURCE, {"wanted": source}).first() is None:
            connection.execute(ADD_SOURCE, {"hash": source, "language": candidate.language, "files": files})
        connection.execute(
            ADD_CANDIDATE,
            {
                "run_id": run_id,
                "ticket": record.ticket,
                "turn": record.turn,
                "candidate_id": candidate.id,
                "source_hash": source,
                "parents": list(candidate.parents),
                "operator": candidate.operator,
                "proposer": candidate.proposer,
                "idea": record.idea,
                **record.reasons._asdict(),
            },
        )


def create_run(
    archive: Archive,
    settings: RunSettings,
    problem: Problem[Any],
    starters: Sequence[Candidate],
    environment: Mapping[str, str] | None = None,
    control_of: str | None = None,
) -> str:
    """Write a new run and return its id, for instance ``serving-router-7f3a09``.

    Args:
        archive: where it is written.
        settings: problem, seed, budget, window.
        problem: the problem that ``settings.problem`` names.
        starters: the candidates the search starts from (seed program, baselines): they are judged first,
            count as evaluations, and a repeated one is dropped. At most ``budget.evaluations`` of them.
        environment: versions and host facts to keep with the run.
        control_of: the run this one is a control arm of.

    Raises:
        SpeciateError: the budget has no limit at all, or the archive does not fit the problem or racing.
    """
    budget = settings.budget
    if all(limit is None for limit in (budget.evaluations, budget.minutes, budget.usd, budget.tokens)):
        raise SpeciateError("a run needs a limit: give evaluations, minutes, usd or tokens (--evals 300)")
    if settings.racing and settings.archive.kind != "grid":
        raise SpeciateError("--racing tells niches by their bins: it goes with --archive grid")
    laid = laid_out(problem.descriptors, settings.archive)
    settings = settings.model_copy(update={"archive": laid})
    unique = list({candidate.id: candidate for candidate in starters}.values())
    given = [each.model_copy(update={"proposer": GIVEN, "operator": STARTER}) for each in unique[: budget.evaluations]]
    run_id = _run_id(archive, problem, settings)
    archive.add_run(
        {
            "id": run_id,
            "problem": settings.problem.name,
            "problem_options": dict(settings.problem.options),
            "problem_version": problem.version,
            "seed": settings.seed,
            "settings": settings.model_dump(mode="json"),
            "environment": dict(environment or {}),
            "control_of": control_of,
            "maximize": problem.objective.direction == "maximize",
        },
        given,
    )
    return run_id


def _run_id(archive: Archive, problem: Problem[Any], settings: RunSettings) -> str:
    """Return an unused id: the problem's name (shortened) and a few hex digits."""
    taken = {run.id for run in archive.runs()}
    stem = problem.name[:24].strip("-")
    told = f"{settings.model_dump_json()}{archive.now()}"
    for salt in range(1 << 16):
        tail = hashlib.blake2b(f"{told}{salt}".encode(), digest_size=2).hexdigest()
        if f"{stem}-{tail}" not in taken:
            return f"{stem}-{tail}"
    raise SpeciateError(f"{archive.database.name} has no free run id for {stem}; start another database")


def _source_hash(language: str, files: list[dict[str, str]]) -> str:
    told = json.dumps([language, files], sort_keys=True)
    return hashlib.blake2b(told.encode(errors="surrogatepass"), digest_size=16).hexdigest()
