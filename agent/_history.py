"""What a run's last tickets came to: all that a choice between operators, models or islands may learn from.

It follows from the rows alone, by one statement, so a resumed or a replayed run knows the same at the same commit.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, func, null, select

from ._database import Database
from ._grid import InsertionResult
from ._requests import charged_tokens, charged_usd
from ._statements import EVALUATIONS, INSERTIONS, REPLIES, REQUESTS, TICKETS

HISTORY = 1000
"""Tickets that a draw may look back at."""


class Spent(NamedTuple):
    """Recorded costs of one ticket."""

    usd: float | None
    """US dollars that its requests are charged at; None where a price is unknown."""
    tokens: int
    """Prompt and completion tokens that its requests are charged at."""
    cpu_s: float
    """CPU seconds of its judging, over all turns and experiments, as recorded: the same in a replay, but not in
    another run of the same seed. So no draw may depend on it, or runs with one worker and with eight would differ."""


class Past(NamedTuple):
    """What one ticket was and what it came to."""

    ticket: int
    operator: str
    model: str | None
    variant: str
    """Of the prompt; empty where there is only one."""
    island: int | None
    parents: tuple[int, ...]
    outcome: str
    """An evaluation status, or ``no_candidate``."""
    score: float | None
    """Minimised, as every score here; None where it was not archived."""
    result: InsertionResult | None
    before: float | None
    """Score of its first parent when that was archived; None without one."""
    best: float | None
    """Best score of the run right before this commit; None before there was any."""
    spent: Spent
    extra: Mapping[str, Any] = {}
    """Whatever else its proposer drew, and ``seed``."""


class History:
    """The last ``HISTORY`` committed tickets of one run.

    Args:
        database: the archive's.
        run_id: the run.
    """

    def __init__(self, database: Database, run_id: str):
        self._database = database
        self._run_id = run_id
        self._past: deque[Past] = deque(maxlen=HISTORY)
        self._seen: tuple[Past, ...] | None = ()

    @property
    def seen(self) -> tuple[Past, ...]:
        """The tickets, oldest first, as of the last commit."""
        if self._seen is None:
            self._seen = tuple(self._past)
        return self._seen

    def resume(self, committed: int, befores: Iterable[tuple[int, float | None]]) -> None:
        """Read what a run has behind it.

        Args:
            committed: how many tickets are.
            befores: the best score right before each commit that changed the archive, by ticket and in order;
                after them ``committed`` itself with the best score now.
        """
        left = deque(befores)
        for past in self._read(max(0, committed - HISTORY)):
            while left[0][0] < past.ticket:
                left.popleft()
            self._past.append(past._replace(best=left[0][1]))
        self._seen = None

    def add(self, ticket: int, best: float | None) -> None:
        """Take in a ticket whose commit is written; ``best`` is the best score right before it."""
        self._past.extend(past._replace(best=best) for past in self._read(ticket))
        self._seen = None

    def _read(self, first: int) -> list[Past]:
        """Return the committed tickets from number ``first`` on, in order, their ``best`` still to be told."""
        with self._database.read() as connection:
            rows = connection.execute(_PAST, {"of_run": self._run_id, "first": first}).all()
        return [
            Past(
                row.number,
                row.operator,
                row.model,
                row.variant,
                row.island,
                tuple(row.parents),
                row.outcome,
                row.score,
                row.result,
                row.before,
                None,
                Spent(row.usd, row.tokens, row.cpu_s),
                row.draw,
            )
            for row in rows
        ]


_own, _parent = INSERTIONS.alias("own"), INSERTIONS.alias("parent")
_asked = (
    select(REQUESTS.c.id)
    .outerjoin(REPLIES, REPLIES.c.request_id == REQUESTS.c.id)
    .where(REQUESTS.c.run_id == TICKETS.c.run_id, REQUESTS.c.ticket == TICKETS.c.number)
    # What a look back costs is no price of the ticket that it happens to belong to.
    .where(REQUESTS.c.purpose != "reflect")
    .correlate(TICKETS)
)
_unpriced = func.count().filter(charged_usd().is_(None)) > 0
_JUDGED = (
    select(func.coalesce(func.sum(EVALUATIONS.c.cpu_s), 0.0))
    .where(
        EVALUATIONS.c.run_id == TICKETS.c.run_id,
        EVALUATIONS.c.ticket == TICKETS.c.number,
        EVALUATIONS.c.purpose.in_(("search", "experiment")),
    )
    .correlate(TICKETS)
)
_PAST = (
    select(
        *(TICKETS.c[name] for name in ("number", "operator", "model", "variant", "island", "parents", "outcome")),
        TICKETS.c.draw,
        _own.c.score,
        _own.c.result,
        _parent.c.score.label("before"),
        _asked.with_only_columns(case((_unpriced, null()), else_=func.coalesce(func.sum(charged_usd()), 0.0)))
        .scalar_subquery()
        .label("usd"),
        _asked.with_only_columns(func.coalesce(func.sum(charged_tokens()), 0)).scalar_subquery().label("tokens"),
        _JUDGED.scalar_subquery().label("cpu_s"),
    )
    .outerjoin(_own, (_own.c.run_id == TICKETS.c.run_id) & (_own.c.ticket == TICKETS.c.number))
    .outerjoin(
        _parent, (_parent.c.run_id == TICKETS.c.run_id) & (_parent.c.ticket == TICKETS.c.parents[0].as_integer())
    )
    .where(
        TICKETS.c.run_id == bindparam("of_run"),
        TICKETS.c.number >= bindparam("first"),
        TICKETS.c.outcome.is_not(None),
    )
    .order_by(TICKETS.c.number)
)
