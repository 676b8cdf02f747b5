"""One turn with a model: ask, retry what is transient, ask again after an unusable reply. Re-enterable.

A turn is one (ticket, turn) of the ``requests`` table, and its requests are numbered by ``attempt`` without
gaps: retries and second askings alike. To enter a turn again after a kill is to walk those rows with the same
code that wrote them: what was answered is parsed and not sent, what was in flight is in doubt and ends the
turn, and only from the first missing row on is anything sent.
"""

import itertools
from collections.abc import Callable, Sequence
from random import Random
from typing import Literal, NamedTuple

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
        rows = self._past(place)
        messages = list(script.opening)
        failures = asked = 0
        for attempt in itertools.count():
            fresh = attempt >= len(rows)
            if fresh:
                exchange = await self._exchange(place, attempt, client, messages, script.operator)
            else:
                exchange = rows[attempt]
            if exchange is None:
                return f"not asked: {self._budget.refused}"
            if exchange.state == "in_doubt":
                return "in doubt: a request was on its way when the run was cut off; it is not sent again"
            if exchange.reply is None:
                failure = _failure(exchange, fresh)
                failures += failure != "excused"
                if failure == "refused":
                    raise _refusal(exchange, client)
                if failure == "final" or failures > client.model.retries:
                    return self._missed_turn(exchange, client, failures, fresh)
                if fresh and failure == "transient":
                    await self._clock.sleep(_wait_s(exchange, failures, Random(f"{script.seed}:{attempt}")))
                continue
            self._missed = failures = 0
            parsed = script.parse(exchange.reply)
            if exchange.outcome is None:
                self._log.parsed(exchange.id, parsed.outcome)
            if parsed.outcome in USABLE:
                return parsed
            if asked >= script.askings:
                return f"{parsed.outcome}: {parsed.reason}"
            asked += 1
            messages = again_messages(
                script.opening, exchange.reply.text, parsed.reason, script.instructions, parsed.excerpt
            )
        raise AssertionError("a turn ends by returning or raising")

    def _past(self, place: Place) -> list[Exchange]:
        """Return the turn's rows; a request that was in flight when its process went away is in doubt now."""
        rows = self._log.history(place)
        if any(row.state == "sent" for row in rows):
            self._log.doubt(place)
            rows = self._log.history(place)
        return rows

    async def _exchange(
        self, place: Place, attempt: int, client: ModelClient, messages: list[Message], operator: str
    ) -> Exchange | None:
        """Send one request between its two rows; None where the budget does not admit it.

        What it can use is reserved before it waits for its model's limits: who is paid for does not depend on them.
        """
        reservation = await self._budget.admit(client.model, messages)
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
                body = client.body(messages, operator)
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
        reply=RawReply(answer.text, answer.finish_reason, answer.choices) if completed else None,
        outcome=None if completed else answer.outcome,
        error=answer.error,
        http_status=answer.http_status,
        retry_after_s=answer.retry_after_s,
    )


def _failure(exchange: Exchange, fresh: bool) -> Failure:
    """Say what a failed request means for its turn; what ended an earlier sitting is excused in this one."""
    status = exchange.http_status
    if exchange.outcome == "limit_field":
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
