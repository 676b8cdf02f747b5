"""What came of a run's tickets, beside what they were made from: read back from the rows, a window at a time."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, SourceFile
from sqlalchemy import Connection, RowMapping, select

from ._database import Database
from ._statements import CANDIDATES, EVALUATIONS, INSERTIONS, SOURCES, TICKETS
from .researcher import RESEARCH, insight_of


class Outcome(NamedTuple):
    """One committed ticket."""

    ticket: int
    visible: int
    """The archive was seen as of this many commits."""
    operator: str
    outcome: str
    """An evaluation status, or ``no_candidate``."""
    child: Candidate | None
    """As it was last judged; None where nothing was."""
    parent: Candidate | None
    idea: str
    """The author's words; untrusted like the two below."""
    insight: str
    """What the author learnt, an insight a line; of a ticket for research also where no design came of it."""
    detail: str
    """What the judge said of a fault."""
    after: float | None
    """The child's score, minimised; None where it was not archived."""
    before: float | None
    """Its parent's, likewise."""

    @property
    def gain(self) -> float | None:
        """Share of the parent's score that the child is better by; the difference itself where the parent's is 0."""
        if self.before is None or self.after is None:
            return None
        difference = self.before - self.after
        return difference / abs(self.before) if self.before else difference


def outcomes_of(database: Database, run_id: str, first: int, end: int) -> list[Outcome]:
    """Return what came of the committed tickets from ``first`` up to ``end`` (not included), in order."""
    number, entry = TICKETS.c.number, INSERTIONS.c
    names = ("visible", "operator", "outcome", "parents", "note")
    tickets = (
        select(number, *(TICKETS.c[name] for name in names), entry.score)
        .outerjoin(INSERTIONS, (entry.run_id == TICKETS.c.run_id) & (entry.ticket == number))
        .where(TICKETS.c.run_id == run_id, number >= first, number < end, TICKETS.c.outcome.is_not(None))
        .order_by(number)
    )
    with database.read() as connection:
        rows = connection.execute(tickets).mappings().all()
        parents = {row["number"]: row["parents"][0] for row in rows if row["parents"]}
        origins = set(parents.values())
        judged = _judged(connection, run_id, {row["number"] for row in rows} | origins)
        before = select(entry.ticket, entry.score).where(entry.run_id == run_id, entry.ticket.in_(origins))
        scores: dict[int | None, float] = {row.ticket: row.score for row in connection.execute(before)}
    return [_outcome(row, parents.get(row["number"]), judged, scores) for row in rows]


def _outcome(
    row: RowMapping, parent: int | None, judged: dict[int | None, RowMapping], scores: dict[int | None, float]
) -> Outcome:
    child, origin = judged.get(row["number"]), judged.get(parent)
    return Outcome(
        ticket=row["number"],
        visible=row["visible"],
        operator=row["operator"],
        outcome=row["outcome"],
        child=_candidate(child) if child else None,
        parent=_candidate(origin) if origin else None,
        idea=child["idea"] if child else "",
        insight=child["insight"] if child else insight_of(row["note"]) if row["operator"] == RESEARCH else "",
        detail=child["detail"] if child else "",
        after=row["score"],
        before=scores.get(parent),
    )


def _judged(connection: Connection, run_id: str, tickets: Iterable[int]) -> dict[int | None, RowMapping]:
    """Return for each ticket its candidate of the last turn that was judged, with the judge's detail."""
    written, word = CANDIDATES.c, EVALUATIONS.c
    query = (
        select(written.ticket, written.idea, written.insight, word.detail, SOURCES.c.language, SOURCES.c.files)
        .join(SOURCES, SOURCES.c.hash == written.source_hash)
        .join(
            EVALUATIONS,
            (word.run_id == written.run_id) & (word.ticket == written.ticket) & (word.turn == written.turn),
        )
        .where(written.run_id == run_id, written.ticket.in_(sorted(tickets)), word.purpose == "search")
        .order_by(written.ticket, written.turn)
    )
    return {row["ticket"]: row for row in connection.execute(query).mappings()}


def _candidate(row: Any) -> Candidate:
    files = tuple(SourceFile.model_validate(file) for file in row["files"])
    return Candidate(files=files, language=row["language"])
