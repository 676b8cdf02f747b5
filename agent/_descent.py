"""Who descends from whom, read lightly: what statistics over a whole run need of its tickets."""

from typing import NamedTuple

from sqlalchemy import select

from ._archive import GIVEN
from ._database import Database
from ._records import UNCOUNTED
from ._tables import Run, Ticket


class Descent(NamedTuple):
    """A committed ticket and its parents."""

    number: int
    parents: tuple[int, ...]
    """Ticket numbers, all below its own."""
    operator: str
    given: bool
    """Whether it is a design that the run started from."""
    counted: bool
    """Whether it was an evaluation of the budget."""


def descents_of(database: Database, run_id: str) -> list[Descent]:
    """Return the committed tickets of a run in order."""
    columns = (Ticket.number, Ticket.parents, Ticket.operator, Ticket.proposer, Ticket.outcome)
    query = select(*columns).where(Ticket.run_id == run_id, Ticket.outcome.is_not(None)).order_by(Ticket.number)
    with database.read() as connection:
        return [
            Descent(number, tuple(parents), operator, proposer == GIVEN, outcome not in UNCOUNTED)
            for number, parents, operator, proposer, outcome in connection.execute(query)
        ]


def maximizes(database: Database, run_id: str) -> bool:
    """Return whether a run's scores are negated in its log."""
    with database.read() as connection:
        return bool(connection.execute(select(Run.maximize).where(Run.id == run_id)).scalar())
