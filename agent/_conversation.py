"""One turn with a model: ask, retry what is transient, ask again after an unusable reply. Re-enterable.

A turn is one (ticket, turn) of the ``requests`` table, and its requests are numbered by ``attempt`` without
gaps: retries and second askings alike. To enter a turn again after a kill is to walk those rows with the same
code that wrote them: what was answered is parsed and not sent, what was in flight is in doubt and ends the
turn, and only from the first missing row on is anything sent.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, NamedTuple

from ._answers import Answer
from ._budget import ModelBudget
from ._client import ModelClient, ModelError
from ._pace import WALL_CLOCK, Clock, Pace
from ._pricing import NOTHING, Usage, cost_usd
from ._prompts import Message, again_messages
from ._replies import USABLE, Parsed, RawReply
from ._requests import Exchange, Place, RequestLog

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
MISSED_TURNS = 5
"""So many turns in a row without any reply end the run: it can be resumed when the model is back."""
REFUSALS = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404})
"""Statuses that no retry changes: the key, the account, the URL or the model's name is wrong."""
TRANSIENT = frozenset({408, 409, 425, 429})
"""Statuses below 500 that are worth a retry."""

Failure = Literal["excused", "transient", "refused", "final"]


class Script(NamedTuple):
    """What a turn says: how it opens, how replies are read, and the form asked for."""

    opening: Sequence[Message]
    parse: Callable[[RawReply], Parsed]
    instructions: str
    askings: int
    """How often it may ask again after an unusable reply."""
    seed: int
    """Of the jitter of waiting times."""
    operator: str
    """Whose temperature and effort the model is asked with."""


class Manner(NamedTuple):
    """How a completion is asked for."""

    operator: str
    """Whose temperature and effort the model is asked with."""
    seed: int
    """Of the jitter of waiting times."""
    tools: Sequence[Mapping[str, Any]] = ()
    """What the model may call, where its server takes tools."""


@dataclass
class Walk:
    """A turn as it is gone through: what was asked in it already, and the number of the next request."""

    place: Place
    rows: Sequence[Exchange]
    attempt: int = 0


class Heard(NamedTuple):
    """A completion."""

    request: int
    """Id of the request's row."""
    reply: RawReply
    outcome: str | None
    """What it came to, once that was noted."""


class Conversation:
    """Holds the turns of one run with its models.

    Args:
        log: the run's request rows.
        budget: admits each request.
        clock: by which it waits between retries and for the limits of a model.
    """

    def __init__(self, log: RequestLog, budget: ModelBudget, clock: Clock = WALL_CLOCK):
        self._log = log
        self._budget = budget
        self._clock = clock
        self._paces: dict[str, Pace] = {}
        self._missed = 0

    async def turn(self, place: Place, client: ModelClient, script: Script) -> Parsed | str:
        """Return a usable reply's parse, or in words why the turn gave nothing.

        Raises:
            ModelError: the model cannot be used as configured, or has not answered for a while.
        """
        walk = self.enter(place)
        messages = list(script.opening)
        manner = Manner(script.operator, script.seed)
        for asked in itertools.count():
            heard = await self.completion(walk, client, messages, manner)
            if isinstance(heard, str):
                return heard
            parsed = script.parse(heard.reply)
            self.read(heard, parsed.outcome)
            if parsed.outcome in USABLE:
                return parsed
            if asked >= script.askings:
                return f"{parsed.outcome}: {parsed.reason}"
            messages = again_messages(
                script.opening, heard.reply.text, parsed.reason, script.instructions, parsed.excerpt
            )
        raise AssertionError("a turn ends by returning or raising")

    def enter(self, place: Place) -> Walk:
        """Begin a turn, or enter it again: a request that was in flight when its process went away is in doubt now."""
        rows = self._log.history(place)
        if any(row.state == "sent" for row in rows):
            self._log.doubt(place)
            rows = self._log.history(place)
        return Walk(place, rows)

    async def completion(
        self, walk: Walk, client: ModelClient, messages: Sequence[Mapping[str, Any]], manner: Manner
    ) -> Heard | str:
        """Return the next reply of a turn, from its row or asked for; or in words why the turn ends without it.

        Args:
            walk: how far the turn has come; moved on.
            client: who is asked.
            messages: the conversation so far.
            manner: how to ask.

        Raises:
            ModelError: as ``turn``.
        """
        failures = 0
        for attempt in itertools.count(walk.attempt):
            walk.attempt = attempt + 1
            fresh = attempt >= len(walk.rows)
            if fresh:
                exchange = await self._exchange(walk.place, attempt, client, messages, manner)
            else:
                exchange = walk.rows[attempt]
            if exchange is None:
                return f"not asked: {self._budget.refused}"
            if exchange.state == "in_doubt":
                return "in doubt: a request was on its way when the run was cut off; it is not sent again"
            if exchange.reply is not None:
                self._missed = 0
                return Heard(exchange.id, exchange.reply, exchange.outcome)
            failure = _failure(exchange, fresh)
            failures += failure != "excused"
            if failure == "refused":
                raise _refusal(exchange, client)
            if failure == "final" or failures > client.model.retries:
                return self._missed_turn(exchange, client, failures, fresh)
            if fresh and failure == "transient":
                await self._clock.sleep(_wait_s(exchange, failures, Random(f"{manner.seed}:{attempt}")))
        raise AssertionError("a completion comes, or is given up")

    def read(self, heard: Heard, outcome: str) -> None:
        """Note what a reply came to, where that was not noted yet."""
        if heard.outcome is None:
            self._log.parsed(heard.request, outcome)

    async def _exchange(
        self, place: Place, attempt: int, client: ModelClient, messages: Sequence[Mapping[str, Any]], manner: Manner
    ) -> Exchange | None:
        """Send one request between its two rows; None where the budget does not admit it.

        What it can use is reserved before it waits for its model's limits: who is paid for does not depend on them.
        """
        reservation = await self._budget.admit(client.model, messages, manner.tools)
        if reservation is None:
            return None
        sent: list[int] = []
        usage: Usage | None = NOTHING
        usd: float | None = 0.0

        def announce() -> None:
            nonlocal usage, usd
            sent.append(self._log.send(place, attempt, body, client.base_url, reservation))
            usage = usd = None

        try:
            async with self._pace(client).passage(reservation.tokens) as passage:
                # Only now: an answer may meanwhile have told the client what this server calls its limit.
                body = client.body(messages, manner.operator, manner.tools)
                answer = await client.attempt(body, announce)
                cost = cost_usd(client.model, answer.usage)
                self._log.receive(sent[0], answer, cost)
                usage, usd = answer.usage, cost
                passage.tokens = reservation.tokens if usage.tokens is None else usage.tokens
        finally:
            self._budget.settle(reservation, usage, usd)
        return _as_exchange(sent[0], attempt, answer)

    def _pace(self, client: ModelClient) -> Pace:
        name = client.model.name
        if name not in self._paces:
            self._paces[name] = Pace(client.model, self._clock)
        return self._paces[name]

    def _missed_turn(self, exchange: Exchange, client: ModelClient, failures: int, fresh: bool) -> str:
        """Return the note of a turn that ends without a reply; raise where the run had better end."""
        note = f"no reply: {exchange.outcome} after {failures} requests ({exchange.error[:200]})"
        if not fresh:
            return note
        self._missed += 1
        where = f"model {client.model.name!r} at {client.base_url}"
        if exchange.outcome == "connect" and not self._log.replied_ever(client.model.name):
            raise ModelError(f"{where} cannot be reached ({exchange.error}): start it or check --base-url")
        if _failure(exchange, fresh) == "final" and not self._log.replied_ever(client.model.name):
            raise ModelError(f"{where} refuses our requests ({exchange.outcome}): {exchange.error[:300]}")
        if self._missed >= MISSED_TURNS:
            raise ModelError(
                f"{where} gave no reply in {self._missed} turns running (last: {exchange.outcome}): "
                "resume the run when it does"
            )
        return note


def _as_exchange(request_id: int, attempt: int, answer: Answer) -> Exchange:
    completed = answer.kind == "completion"
    return Exchange(
        id=request_id,
        attempt=attempt,
        state="replied" if completed else "failed",
        reply=RawReply(answer.text, answer.finish_reason, answer.choices, answer.calls) if completed else None,
        outcome=None if completed else answer.outcome,
        error=answer.error,
        http_status=answer.http_status,
        retry_after_s=answer.retry_after_s,
    )


def _failure(exchange: Exchange, fresh: bool) -> Failure:
    """Say what a failed request means for its turn; what ended an earlier sitting is excused in this one."""
    status = exchange.http_status
    if exchange.outcome in ("limit_field", "no_tools"):
        return "excused"
    if status in REFUSALS or (status == 429 and "insufficient_quota" in exchange.error):
        return "refused" if fresh else "excused"
    if exchange.outcome == "connect":
        return "transient" if fresh else "excused"
    return "transient" if status in (None, 200) or status in TRANSIENT or status >= 500 else "final"


def _refusal(exchange: Exchange, client: ModelClient) -> ModelError:
    where, status = f"model {client.model.name!r} at {client.base_url}", exchange.http_status
    if status in (401, 403):
        return ModelError(f"{where} refused the key (HTTP {status}): check {client.model.api_key_env}")
    if status in (402, 429):
        return ModelError(f"{where} has no credit left (HTTP {status}): add some, then resume the run")
    hint = ", and whether it offers the Responses API" if client.model.api == "responses" else ""
    return ModelError(f"{where} was not found (HTTP {status}): check --model and --base-url (often .../v1){hint}")


def _wait_s(exchange: Exchange, failures: int, rng: Random) -> float:
    """Return the seconds to wait before retry number ``failures``: as asked by the server, else doubling."""
    if exchange.retry_after_s is not None:
        return min(exchange.retry_after_s, LONGEST_WAIT_S)
    return min(FIRST_WAIT_S * 2.0 ** (failures - 1), LONGEST_WAIT_S) * rng.uniform(0.5, 1.0)
