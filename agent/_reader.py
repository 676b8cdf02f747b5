"""Every read of an archive: what the loop resumes from, and what commands and reports show."""

from collections.abc import Mapping, Sequence

from speciate.evaluators import Evaluation, SpeciateError, Status
from sqlalchemy import ColumnElement, Connection, RowMapping, func, select
from sqlalchemy.orm import InstrumentedAttribute

from ._database import Database
from ._lesson_rows import book_of
from ._lessons import Book
from ._records import (
    UNCOUNTED,
    CandidateRecord,
    EliteRecord,
    EvaluationRecord,
    InsertionRecord,
    OpeningRecord,
    OperatorRecord,
    ProgressPoint,
    RunRecord,
    TicketRecord,
    candidate_record,
    evaluation_record,
    insertion_record,
    run_record,
    ticket_record,
)
from ._statements import CANDIDATES_OF, EVALUATION_OF, FIRST_WRITER, MEASURED
from ._tables import CandidateRow, EvaluationRow, Insertion, Opening, Run, Source, Ticket

_RUN = select(*Run.__table__.columns)
_TICKET = select(*Ticket.__table__.columns)
_CANDIDATE = select(*CandidateRow.__table__.columns, Source.language, Source.files).join(
    Source, Source.hash == CandidateRow.source_hash
)
_EVALUATION = select(*EvaluationRow.__table__.columns)
_MANY = 1000
"""Values in one statement; databases take some ten thousand at most."""


class ArchiveReader:
    """The reading half of an archive. Every method is one consistent read, or raises SpeciateError."""

    def __init__(self, database: Database):
        self.database = database

    def runs(self) -> list[RunRecord]:
        """Return all runs, oldest first."""
        with self.database.read() as connection:
            return [
                run_record(row)
                for row in connection.execute(_RUN.order_by(Run.created_at, Run.id)).mappings()
            ]

    def run(self, id_or_prefix: str) -> RunRecord:
        """Return the run with this id, or the only one whose id starts so. Raises SpeciateError otherwise."""
        with self.database.read() as connection:
            exact = connection.execute(_RUN.where(Run.id == id_or_prefix)).mappings().first()
            if exact is not None:
                return run_record(exact)
            query = _RUN.where(_starts(Run.id, id_or_prefix)).order_by(Run.id)
            rows = connection.execute(query).mappings().all()
        if len(rows) != 1:
            names = ", ".join(row["id"] for row in rows[:8])
            found = f"it could be {names}" if rows else "there is none; `speciate list` shows the runs"
            raise SpeciateError(
                f"expected the id of one run in {self.database.name}, got {id_or_prefix!r}: {found}"
            )
        return run_record(rows[0])

    def ticket(self, run_id: str, number: int) -> TicketRecord:
        """Return one ticket. Raises SpeciateError where there is none."""
        with self.database.read() as connection:
            query = _TICKET.where(Ticket.run_id == run_id, Ticket.number == number)
            row = connection.execute(query).mappings().first()
        if row is None:
            raise SpeciateError(f"run {run_id} has no ticket {number}")
        return ticket_record(row)

    def tickets(self, run_id: str) -> list[TicketRecord]:
        """Return all tickets in order."""
        with self.database.read() as connection:
            rows = connection.execute(_TICKET.where(Ticket.run_id == run_id).order_by(Ticket.number))
            return [ticket_record(row) for row in rows.mappings()]

    def insertions(self, run_id: str) -> list[InsertionRecord]:
        """Return the insertion log in commit order."""
        columns = [getattr(Insertion, name) for name in InsertionRecord._fields]
        with self.database.read() as connection:
            rows = connection.execute(
                select(*columns).where(Insertion.run_id == run_id).order_by(Insertion.ticket)
            )
            return [insertion_record(row) for row in rows.mappings()]

    def candidates_of(self, run_id: str, ticket: int) -> list[CandidateRecord]:
        """Return what a ticket produced, by turn."""
        where = {"of_run": run_id, "of_ticket": ticket}
        with self.database.read() as connection:
            return [candidate_record(row) for row in connection.execute(CANDIDATES_OF, where).mappings()]

    def candidate(self, run_id: str, id_or_prefix: str) -> CandidateRecord:
        """Return a run's first candidate with this id or unique prefix. Raises SpeciateError otherwise."""
        query = _CANDIDATE.where(
            CandidateRow.run_id == run_id, _starts(CandidateRow.candidate_id, id_or_prefix)
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(CandidateRow.ticket, CandidateRow.turn)).mappings().all()
        ids = {row["candidate_id"] for row in rows}
        if len(ids) != 1:
            found = f"{len(ids)} match: give more characters" if ids else "there is none"
            raise SpeciateError(
                f"expected the id of one candidate of run {run_id}, got {id_or_prefix!r}: {found}"
            )
        return candidate_record(rows[0])

    def evaluation_of(self, run_id: str, ticket: int, turn: int) -> EvaluationRecord | None:
        """Return the search's evaluation of one turn of a ticket, None while it is not judged."""
        where = {"of_run": run_id, "of_ticket": ticket, "of_turn": turn}
        with self.database.read() as connection:
            rows = connection.execute(EVALUATION_OF, where).mappings().all()
            found = _with_measurements(connection, rows)
        return found[0] if found else None

    def experiments_of(self, run_id: str, ticket: int) -> list[EvaluationRecord]:
        """Return a ticket's experiments in the order in which they were made."""
        query = _EVALUATION.where(
            EvaluationRow.run_id == run_id, EvaluationRow.ticket == ticket, EvaluationRow.purpose == "experiment"
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(EvaluationRow.turn)).mappings().all()
            return _with_measurements(connection, rows)

    def first_writer(self, run_id: str, candidate_id: str, low: int, high: int) -> int | None:
        """Return the first ticket from ``low`` to ``high - 1`` whose first candidate is this one; None if none is."""
        where = {"of_run": run_id, "wanted": candidate_id, "low": low, "high": high}
        with self.database.read() as connection:
            found: int | None = connection.execute(FIRST_WRITER, where).scalar_one()
        return found

    def remeasured(self, run_id: str, ticket: int) -> dict[int, Evaluation]:
        """Return a ticket's fresh evaluations under a noisy judge, by repetition."""
        query = _EVALUATION.where(
            EvaluationRow.run_id == run_id, EvaluationRow.ticket == ticket, EvaluationRow.purpose == "remeasure"
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(EvaluationRow.id)).mappings().all()
            found = _with_measurements(connection, rows)
        return {record.repetition: record.evaluation for record in found}

    def evaluations(
        self,
        run_id: str,
        *,
        purpose: str | None = None,
        candidate_id: str | None = None,
        split: str | None = None,
        status: Status | None = None,
    ) -> list[EvaluationRecord]:
        """Return evaluations of a run in order of writing, optionally of one purpose, candidate, split or status."""
        query = _EVALUATION.where(EvaluationRow.run_id == run_id)
        if purpose is not None:
            query = query.where(EvaluationRow.purpose == purpose)
        if candidate_id is not None:
            query = query.where(EvaluationRow.candidate_id == candidate_id)
        if split is not None:
            query = query.where(EvaluationRow.split == split)
        if status is not None:
            query = query.where(EvaluationRow.status == status.value)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(EvaluationRow.id)).mappings().all()
            return _with_measurements(connection, rows)

    def elites(self, run_id: str, visible: int | None = None) -> list[EliteRecord]:
        """Return the holders of all niches, best first, ties by ticket; after ``visible`` commits, or now."""
        holders: dict[int, tuple[float, int]] = {}
        for entry in self.insertions(run_id):
            if visible is None or entry.ticket < visible:
                _apply(holders, entry)
        return self._ranked(run_id, {ticket: score for score, ticket in holders.values()})

    def best(self, run_id: str, count: int = 1) -> list[EliteRecord]:
        """Return the ``count`` best archived candidates, whether or not they still hold a niche.

        Where the judge is noisy only holders count: the others' scores may be luck.
        """
        log = self.insertions(run_id)
        if any(entry.repetitions for entry in log):
            return self.elites(run_id)[:count]
        ranked = sorted((entry.score, entry.ticket) for entry in log)[:count]
        return self._ranked(run_id, {ticket: score for score, ticket in ranked})

    def progress(self, run_id: str) -> list[ProgressPoint]:
        """Return the run after each commit, in order."""
        query = select(Ticket.number, Ticket.outcome, Ticket.committed_at).where(
            Ticket.run_id == run_id, Ticket.outcome.is_not(None)
        )
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(Ticket.number)).all()
        log = {entry.ticket: entry for entry in self.insertions(run_id)}
        sign = self._sign(run_id)
        points: list[ProgressPoint] = []
        holders: dict[int, tuple[float, int]] = {}
        evaluations, best = 0, None
        for commits, (number, outcome, committed_at) in enumerate(rows, 1):
            evaluations += outcome not in UNCOUNTED
            if number in log and _apply(holders, log[number]):
                best = sign * min(holders.values())[0]
            points.append(ProgressPoint(commits, evaluations, best, len(holders), committed_at))
        return points

    def counts(self, run_id: str) -> dict[str, int]:
        """Return how many tickets ended with each outcome; uncommitted ones count as ``in_flight``."""
        query = select(Ticket.outcome, func.count()).where(Ticket.run_id == run_id).group_by(Ticket.outcome)
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(Ticket.outcome)).all()
        return {outcome or "in_flight": count for outcome, count in rows}

    def lineage(self, run_id: str, ticket: int) -> list[TicketRecord]:
        """Return a ticket and all its ancestors in order. Raises SpeciateError for an unknown ticket."""
        found = {ticket: self.ticket(run_id, ticket)}
        wanted = set(found[ticket].draw.parents)
        with self.database.read() as connection:
            while wanted:
                query = _TICKET.where(Ticket.run_id == run_id, Ticket.number.in_(sorted(wanted)))
                rows = connection.execute(query).mappings()
                found.update({row["number"]: ticket_record(row) for row in rows})
                parents = {parent for number in wanted for parent in found[number].draw.parents}
                wanted = parents - found.keys()
        return [found[number] for number in sorted(found)]

    def operators(self, run_id: str) -> list[OperatorRecord]:
        """Return what each operator achieved among the committed tickets."""
        query = (
            select(
                Ticket.proposer,
                Ticket.operator,
                func.count(),
                func.count().filter(Ticket.outcome == "ok"),
                func.count().filter(Insertion.result == "new"),
                func.count().filter(Insertion.result == "improved"),
            )
            .outerjoin(Insertion, (Insertion.run_id == Ticket.run_id) & (Insertion.ticket == Ticket.number))
            .where(Ticket.run_id == run_id, Ticket.outcome.is_not(None))
            .group_by(Ticket.proposer, Ticket.operator)
            .order_by(Ticket.proposer, Ticket.operator)
        )
        with self.database.read() as connection:
            return [OperatorRecord(*row) for row in connection.execute(query)]

    def openings(self, run_id: str) -> list[OpeningRecord]:
        """Return each opening of validation or held-out workloads, oldest first."""
        columns = (Opening.split, Opening.candidates, Opening.reason, Opening.opened_at)
        with self.database.read() as connection:
            rows = connection.execute(select(*columns).where(Opening.run_id == run_id).order_by(Opening.id))
            return [OpeningRecord(*row) for row in rows]

    def lessons(self, run_id: str) -> Book:
        """Return what a run has learnt, as of its last look back."""
        with self.database.read() as connection:
            return book_of(connection, run_id)

    def _sign(self, run_id: str) -> float:
        """Return what turns a minimised score into one of the problem's own direction."""
        with self.database.read() as connection:
            maximize = connection.execute(select(Run.maximize).where(Run.id == run_id)).scalar()
        return -1.0 if maximize else 1.0

    def _ranked(self, run_id: str, scores: Mapping[int, float]) -> list[EliteRecord]:
        """Return the archived candidates of these tickets with these minimised scores, best first."""
        query = (
            select(
                Insertion.ticket,
                Insertion.cell,
                EvaluationRow.candidate_id,
                EvaluationRow.descriptors,
                Ticket.operator,
            )
            .join(Ticket, (Ticket.run_id == Insertion.run_id) & (Ticket.number == Insertion.ticket))
            .join(
                EvaluationRow,
                (EvaluationRow.run_id == Insertion.run_id)
                & (EvaluationRow.ticket == Insertion.ticket)
                & (EvaluationRow.purpose == "search")
                & (EvaluationRow.status == "ok"),
            )
            .where(Insertion.run_id == run_id, Insertion.ticket.in_(sorted(scores)))
        )
        sign = self._sign(run_id)
        with self.database.read() as connection:
            found = connection.execute(query).mappings().all()
        ordered = sorted(found, key=lambda row: (scores[row["ticket"]], row["ticket"]))
        return [EliteRecord(**row, score=sign * scores[row["ticket"]]) for row in ordered]


def _apply(holders: dict[int, tuple[float, int]], entry: InsertionRecord) -> bool:
    """Bring the minimised score and the ticket of each cell's holder up to date; return whether anything changed."""
    if entry.result != "rejected":
        holders[entry.cell] = (entry.score, entry.ticket)
    elif entry.holder_score is not None and entry.cell in holders:
        holders[entry.cell] = (entry.holder_score, holders[entry.cell][1])
    else:
        return False
    return True


def _with_measurements(connection: Connection, rows: Sequence[RowMapping]) -> list[EvaluationRecord]:
    grouped: dict[int, list[RowMapping]] = {row["id"]: [] for row in rows}
    ids = list(grouped)
    for start in range(0, len(ids), _MANY):
        for part in connection.execute(MEASURED, {"evaluations": ids[start : start + _MANY]}).mappings():
            grouped[part["evaluation_id"]].append(part)
    return [evaluation_record(row, grouped[row["id"]]) for row in rows]


def _starts(column: InstrumentedAttribute[str], prefix: str) -> ColumnElement[bool]:
    return column.startswith(prefix, autoescape=True)
