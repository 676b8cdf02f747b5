"""How far a run has come, read without reading all of it: what a sitting starts from."""

from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from sqlalchemy import func, null, or_, select

from ._database import Database
from ._records import NO_CANDIDATE, UNCOUNTED, InsertionRecord, TicketRecord, insertion_record, ticket_record
from ._statements import EVALUATIONS, INSERTIONS, TICKETS


class Standing(NamedTuple):
    """A run as of its last commit."""

    committed: int
    evaluations: int
    experiments: int
    barren: int
    """Commits without a candidate since the last one that had any; counted up to ``most``."""
    open: tuple[TicketRecord, ...]
    """Issued and not committed, in order."""


def standing_of(database: Database, run_id: str, most: int) -> Standing:
    """Return how far a run has come; ``most`` bounds how far back ``barren`` is counted."""
    outcome = TICKETS.c.outcome
    mine = TICKETS.c.run_id == run_id
    with database.read() as connection:
        closed = select(outcome, func.count()).where(mine, outcome.is_not(None)).group_by(outcome)
        counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(closed)}
        waiting = select(*TICKETS.c).where(mine, outcome.is_(None)).order_by(TICKETS.c.number)
        still_open = tuple(ticket_record(row) for row in connection.execute(waiting).mappings())
        committed = sum(counts.values())
        last = select(outcome).where(mine, TICKETS.c.number < committed).order_by(TICKETS.c.number.desc())
        latest = connection.execute(last.limit(most)).scalars()
        barren = sum(1 for _ in takewhile(lambda name: name == NO_CANDIDATE, latest))
        told = EVALUATIONS.c
        tried = select(func.count()).where(
            told.run_id == run_id, told.purpose == "experiment", told.ticket < committed
        )
        experiments: int = connection.execute(tried).scalar_one()
    evaluations = sum(count for name, count in counts.items() if name not in UNCOUNTED)
    return Standing(committed, evaluations, experiments, barren, still_open)


def tickets_of(database: Database, run_id: str, proposer: str) -> frozenset[int]:
    """Return the numbers of one proposer's tickets."""
    query = select(TICKETS.c.number).where(TICKETS.c.run_id == run_id, TICKETS.c.proposer == proposer)
    with database.read() as connection:
        return frozenset(connection.execute(query).scalars())


def islands_of(database: Database, run_id: str) -> dict[int, int]:
    """Return the island of each ticket that was drawn on one."""
    island = TICKETS.c.island
    query = select(TICKETS.c.number, island).where(TICKETS.c.run_id == run_id, island.is_not(None))
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def changes_of(database: Database, run_id: str, kept: frozenset[int] = frozenset()) -> Iterator[InsertionRecord]:
    """Yield the lines of the log that changed anything, and those of the tickets in ``kept``, in commit order.

    Most candidates are rejected, and a line that says no more than that changes nothing. Where there are further
    objectives a rejected one may be on a front.
    """
    log = INSERTIONS.c
    told = (log.holder_score.is_not(None), log.further.is_not(null()), log.ticket.in_(kept))
    telling = or_(log.result != "rejected", log.repetitions > 0, *told)
    columns = [log[name] for name in InsertionRecord._fields]
    query = select(*columns).where(log.run_id == run_id, telling).order_by(log.ticket)
    with database.read() as connection:
        for row in connection.execute(query.execution_options(yield_per=1000)).mappings():
            yield insertion_record(row)
