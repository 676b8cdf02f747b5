"""What a run came to, as one hash: equal for two runs that drew, wrote, judged and archived the same.

Times, costs, free text of failures and the order of arrival are left out: they differ where nothing else does.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, select

from ._proposer import Reasons
from ._reader import ArchiveReader
from ._statements import CANDIDATES, EVALUATIONS, INSERTIONS, MEASUREMENTS, TICKETS

_TICKET = ("number", "visible", "proposer", "operator", "model", "parents", "draw", "island", "variant", "outcome")
_CANDIDATE = (
    *("ticket", "turn", "candidate_id", "source_hash", "parents", "operator", "proposer", "idea"),
    *Reasons._fields,
)
_INSERTION = ("ticket", "cell", "score", "result", "replaced", "repetitions", "decided", "holder_score", "further")
_EVALUATION = ("ticket", "turn", "purpose", "repetition", "status", "score", "descriptors", "decision_hash")
_CHUNK = 1000


class TicketFacts(NamedTuple):
    """What a committed ticket came to, by what it is a fact of; JSON with sorted keys."""

    number: int
    draw: str
    candidates: str
    judgements: str
    outcome: str
    archive: str


class Parting(NamedTuple):
    """Where two runs part."""

    ticket: int
    why: str


def archive_digest(archive: ArchiveReader, run_id: str) -> str:
    """Return the hex digest (32 characters) of a run's committed tickets."""
    digest = hashlib.blake2b(digest_size=16)
    for facts in ticket_facts(archive, run_id):
        digest.update(json.dumps(facts).encode(errors="surrogatepass"))
    return digest.hexdigest()


def parting_of(recorded: Iterable[TicketFacts], other: Iterable[TicketFacts]) -> Parting | None:
    """Return the first ticket in which two runs part, and in what; None where they are the same."""
    for number, (old, new) in enumerate(zip_longest(recorded, other)):
        if old is None or new is None:
            return Parting(number, "it was committed in one of the two only")
        for name, was, now in zip(TicketFacts._fields, old, new, strict=True):
            if was != now:
                return Parting(old.number, f"{name}: recorded {_short(was)}, now {_short(now)}")
    return None


def ticket_facts(archive: ArchiveReader, run_id: str) -> Iterator[TicketFacts]:
    """Yield the facts of each committed ticket in order, holding a few of them at a time."""
    with archive.database.read() as connection:
        tickets = select(*(TICKETS.c[name] for name in _TICKET)).where(
            TICKETS.c.run_id == run_id, TICKETS.c.outcome.is_not(None)
        )
        candidates = _ByTicket(connection, _of(CANDIDATES, _CANDIDATE, run_id, "turn"))
        evaluations = _ByTicket(connection, _evaluations(run_id))
        insertions = _ByTicket(connection, _of(INSERTIONS, _INSERTION, run_id))
        for row in _streamed(connection, tickets.order_by(TICKETS.c.number)):
            number, outcome = row["number"], row.pop("outcome")
            yield TicketFacts(
                number,
                _told(row),
                _told(candidates.of(number)),
                _told(evaluations.of(number)),
                outcome,
                _told([_known(row) for row in insertions.of(number)]),
            )


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Leave further objectives out where there are none: the digests of runs are older than the column."""
    return {name: value for name, value in row.items() if name != "further" or value is not None}


class _ByTicket:
    """Rows that come in order of their tickets, asked for in the same order."""

    def __init__(self, connection: Connection, query: Select[Any]):
        self._rows = _streamed(connection, query)
        self._next = next(self._rows, None)

    def of(self, ticket: int) -> list[dict[str, Any]]:
        found = []
        while self._next is not None and self._next["ticket"] <= ticket:
            if self._next["ticket"] == ticket:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def _of(table: Table, names: Iterable[str], run_id: str, *then: str) -> Select[Any]:
    query = select(*(table.c[name] for name in names)).where(table.c.run_id == run_id)
    return query.order_by(table.c.ticket, *(table.c[name] for name in then))


def _evaluations(run_id: str) -> Select[Any]:
    told, part = EVALUATIONS.c, MEASUREMENTS.c
    return (
        select(*(told[name] for name in _EVALUATION), part.workload, part.objective)
        .outerjoin(MEASUREMENTS, part.evaluation_id == told.id)
        .where(told.run_id == run_id, told.ticket.is_not(None), told.purpose.in_(("search", "remeasure", "experiment")))
        .order_by(told.ticket, told.turn, told.purpose.desc(), told.repetition, part.position)
    )


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[dict[str, Any]]:
    for row in connection.execute(query.execution_options(yield_per=_CHUNK)).mappings():
        yield dict(row)


def _told(value: Mapping[str, Any] | list[dict[str, Any]]) -> str:
    return json.dumps(value, sort_keys=True)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:297]}..."
