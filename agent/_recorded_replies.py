"""Requests and replies of one run, copied into another: a turn that is entered again finds them and sends nothing."""

from typing import cast

from sqlalchemy import Table, insert, select

from ._database import Database
from ._tables import Reply, Request

_REQUESTS = cast(Table, Request.__table__)
_REPLIES = cast(Table, Reply.__table__)


def copy_exchanges(source: tuple[Database, str], target: tuple[Database, str], ticket: int, turn: int) -> None:
    """Copy what one turn of a ticket asked and was answered.

    Args:
        source: database and run that hold the record.
        target: database and run that it is copied into; the ticket must have its row there.
        ticket: its number, the same in both.
        turn: the turn.
    """
    (held, run_id), (into, new_id) = source, target
    mine = (_REQUESTS.c.run_id == run_id, _REQUESTS.c.ticket == ticket, _REQUESTS.c.turn == turn)
    with held.read() as connection:
        asked = connection.execute(select(*_REQUESTS.c).where(*mine).order_by(_REQUESTS.c.attempt)).mappings().all()
        ids = [row["id"] for row in asked]
        replies = connection.execute(select(*_REPLIES.c).where(_REPLIES.c.request_id.in_(ids))).mappings()
        answered = {row["request_id"]: dict(row) for row in replies}
    if not asked:
        return
    with into.write() as connection:
        for row in asked:
            values = {name: value for name, value in row.items() if name != "id"} | {"run_id": new_id}
            number = connection.execute(insert(_REQUESTS).values(values).returning(_REQUESTS.c.id)).scalar_one()
            if row["id"] in answered:
                connection.execute(insert(_REPLIES).values(answered[row["id"]] | {"request_id": number}))
