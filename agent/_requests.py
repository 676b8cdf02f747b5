"""Requests to models as rows: written before they are sent, and their replies before they are read.

The rows are the truth about money. What a request is charged at follows from them alone:

    in flight, in doubt       its reservation
    answered with its usage   the usage
    answered without usage    its reservation (its cost is shown as unknown)
    surely not worked on      nothing (refused by the server, never connected)
    anything else that failed its reservation (a timeout or a lost connection may have been billed)
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, case, func, insert, select, update

from ._answers import Answer
from ._database import Database
from ._replies import RawReply, ToolCall
from ._tables import Reply, Request

NO_CHOICES = "no choices"


class Place(NamedTuple):
    """Where in a run a request belongs."""

    ticket: int
    turn: int
    purpose: str = "write"
    """``write``, ``repair``, ``idea``, ``reflect`` or ``research``."""


class Reservation(NamedTuple):
    """An upper bound of what one request can use."""

    tokens: int
    usd: float | None
    """None where the model's price is unknown."""


@dataclass(frozen=True)
class Exchange:
    """One request and what is known of its reply."""

    id: int
    attempt: int
    state: str
    """``sent``, ``replied``, ``failed`` or ``in_doubt``."""
    reply: RawReply | None
    """None unless ``replied``."""
    outcome: str | None
    error: str
    http_status: int | None
    retry_after_s: float | None = None
    """Seconds a server asked to wait, of an answer of this sitting; not stored."""


class Charges(NamedTuple):
    """What a run's requests are charged at."""

    tokens: int
    usd: float
    """Of requests with a known price."""
    overrun: float
    """Largest ratio of used to reserved tokens, at least 1: above 1, a server does not keep to the limits."""


class RequestLog:
    """The request and reply rows of one run.

    Args:
        database: the archive's; the ticket of every request must have its row already.
        run_id: the run.
        clock: seconds since the epoch, for the rows' times.
    """

    def __init__(self, database: Database, run_id: str, clock: Callable[[], float] = time.time):
        self.run_id = run_id
        self._database = database
        self._clock = clock

    def history(self, place: Place) -> list[Exchange]:
        """Return the exchanges of one turn in order of ``attempt``."""
        statement = (
            select(
                Request.id,
                Request.attempt,
                Request.state,
                Reply.text,
                Reply.calls,
                Reply.finish_reason,
                Reply.outcome,
                Reply.error,
                Reply.http_status,
            )
            .outerjoin(Reply, Reply.request_id == Request.id)
            .where(Request.run_id == self.run_id, Request.ticket == place.ticket, Request.turn == place.turn)
            .order_by(Request.attempt)
        )
        with self._database.read() as connection:
            return [_exchange(row) for row in connection.execute(statement).mappings()]

    def asked_again(self, ticket: int, before_turn: int) -> int:
        """Return how often the turns before ``before_turn`` asked again after an unusable reply.

        A researcher's many replies are no second askings.
        """
        statement = (
            select(func.count() - 1)
            .where(
                Request.run_id == self.run_id,
                Request.ticket == ticket,
                Request.turn < before_turn,
                Request.state == "replied",
                Request.purpose != "research",
            )
            .group_by(Request.turn)
        )
        with self._database.read() as connection:
            return sum(connection.execute(statement).scalars())

    def replied_ever(self, model: str) -> bool:
        """Return whether ``model`` has given a completion in this run."""
        statement = select(Request.id).where(
            Request.run_id == self.run_id, Request.model == model, Request.state == "replied"
        )
        with self._database.read() as connection:
            return connection.execute(statement.limit(1)).first() is not None

    def send(
        self, place: Place, attempt: int, body: Mapping[str, Any], base_url: str, reservation: Reservation
    ) -> int:
        """Write the row of a request that is about to be sent; return its id.

        Args:
            place: the turn.
            attempt: its number in the turn.
            body: what will be sent.
            base_url: where to.
            reservation: what it can use at most.
        """
        with self._database.write() as connection:
            result = connection.execute(
                insert(Request)
                .values(
                    run_id=self.run_id,
                    ticket=place.ticket,
                    turn=place.turn,
                    attempt=attempt,
                    purpose=place.purpose,
                    model=body["model"],
                    base_url=base_url,
                    hash=body_hash(body),
                    body=dict(body),
                    reserved_tokens=reservation.tokens,
                    reserved_usd=reservation.usd,
                    state="sent",
                    sent_at=self._clock(),
                )
                .returning(Request.id)
            )
            return result.scalar_one()

    def receive(self, request_id: int, answer: Answer, cost_usd: float | None) -> None:
        """Write what came back, before anything is made of it."""
        completed = answer.kind == "completion"
        with self._database.write() as connection:
            connection.execute(
                insert(Reply).values(
                    request_id=request_id,
                    http_status=answer.http_status,
                    text=answer.text,
                    calls=[call._asdict() for call in answer.calls] or None,
                    finish_reason=answer.finish_reason,
                    error=NO_CHOICES if completed and answer.choices == 0 else answer.error,
                    outcome=None if completed else answer.outcome,
                    prompt_tokens=answer.usage.prompt_tokens,
                    completion_tokens=answer.usage.completion_tokens,
                    cached_tokens=answer.usage.cached_tokens,
                    reasoning_tokens=answer.usage.reasoning_tokens,
                    cost_usd=cost_usd,
                    latency_s=answer.latency_s,
                    received_at=self._clock(),
                )
            )
            state = "replied" if completed else "failed"
            connection.execute(update(Request).where(Request.id == request_id).values(state=state))

    def parsed(self, request_id: int, outcome: str) -> None:
        """Note what a completion came to, for the counts; parsing it again gives the same."""
        with self._database.write() as connection:
            connection.execute(update(Reply).where(Reply.request_id == request_id).values(outcome=outcome))

    def doubt(self, place: Place | None = None) -> int:
        """Mark requests that were sent and never answered as in doubt, of one turn or of the whole run.

        Only for requests that nobody waits for any more: those of a process that is gone.

        Returns:
            How many there were.
        """
        lost = update(Request).where(Request.run_id == self.run_id, Request.state == "sent")
        if place is not None:
            lost = lost.where(Request.ticket == place.ticket, Request.turn == place.turn)
        with self._database.write() as connection:
            return int(connection.execute(lost.values(state="in_doubt")).rowcount)

    def charges(self) -> Charges:
        """Return what the run is charged at now."""
        with self._database.read() as connection:
            return _charges(connection, self.run_id)


def body_hash(body: Mapping[str, Any]) -> str:
    """Return the hex digest (32 characters) of a request's body: equal requests have equal hashes."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def charged_tokens() -> ColumnElement[int]:
    """Return the expression for the tokens a request (outer-joined with its reply) is charged at."""
    used = Reply.prompt_tokens + Reply.completion_tokens
    return case((used.is_not(None), used), else_=Request.reserved_tokens)


def charged_usd() -> ColumnElement[float | None]:
    """Return the expression for the dollars a request is charged at; NULL where its price is unknown."""
    return func.coalesce(Reply.cost_usd, Request.reserved_usd)


def _charges(connection: Connection, run_id: str) -> Charges:
    used = Reply.prompt_tokens + Reply.completion_tokens
    statement = (
        select(
            func.coalesce(func.sum(charged_tokens()), 0),
            func.coalesce(func.sum(charged_usd()), 0.0),
            func.coalesce(func.max(used * 1.0 / Request.reserved_tokens), 1.0),
        )
        .select_from(Request)
        .outerjoin(Reply, Reply.request_id == Request.id)
        .where(Request.run_id == run_id)
    )
    tokens, usd, overrun = connection.execute(statement).one()
    return Charges(int(tokens or 0), float(usd or 0.0), max(1.0, float(overrun or 1.0)))


def _exchange(row: RowMapping) -> Exchange:
    error = row["error"] or ""
    calls = tuple(ToolCall(**call) for call in row["calls"] or ())
    reply = RawReply(row["text"], row["finish_reason"], 0 if error == NO_CHOICES else 1, calls)
    return Exchange(
        id=row["id"],
        attempt=row["attempt"],
        state=row["state"],
        reply=reply if row["state"] == "replied" else None,
        outcome=row["outcome"],
        error=error,
        http_status=row["http_status"],
    )
