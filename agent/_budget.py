"""The hard limits on tokens and dollars.

Before a request is sent, an upper bound of what it can use is reserved, and written into its row; a request
that could pass a limit is not sent. Its usage, once known, takes the reservation's place.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ._pricing import Usage, cost_usd
from ._requests import Charges, RequestLog, Reservation
from ._settings import Budget, ModelSettings

MESSAGE_TOKENS = 32
"""Upper bound of what a chat template puts around one message."""
TEMPLATE_TOKENS = 256
"""Upper bound of what a chat template adds to a conversation, for instance a preamble of the server's own."""


def prompt_bound(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> int:
    """Return an upper bound of the prompt's tokens, whatever the tokenizer.

    A token stands for at least one byte of text, so there are at most as many tokens as bytes in UTF-8. Tools, and
    calls of them, are counted as indented JSON, which is the longest form that chat templates give them.
    """
    told = sum(len(m["content"].encode()) + _structured(m.get("tool_calls")) + MESSAGE_TOKENS for m in messages)
    return TEMPLATE_TOKENS + told + _structured(tools)


def reservation_of(
    model: ModelSettings, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
) -> Reservation:
    """Return the most that one request can use if the server keeps to its limit on completion tokens."""
    bound = prompt_bound(messages, tools)
    return Reservation(
        bound + model.max_completion_tokens, cost_usd(model, Usage(bound, model.max_completion_tokens))
    )


class ModelBudget:
    """Admits requests of one run, for one event loop of the one process that searches the run.

    The rows are read once; from then on their sum is kept up with, so that a long run does not slow down.
    """

    def __init__(self, log: RequestLog, budget: Budget, models: Sequence[ModelSettings]):
        self._log = log
        self._budget = budget
        self._models = models
        self._sum: Charges | None = None
        self._held: list[Reservation] = []
        self._settled = asyncio.Event()
        self._refused: str | None = None
        self._closed: str | None = None

    @property
    def charges(self) -> Charges:
        """What the run is charged at now, requests in flight included."""
        if self._sum is None:
            self._sum = self._log.charges()
        return self._sum

    async def admit(
        self, model: ModelSettings, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Reservation | None:
        """Reserve what a request can use; wait while requests in flight may still give room back.

        Returns:
            The reservation, or None when the request could pass a limit and must not be sent: ``refused``
            says why.
        """
        asked = reservation_of(model, messages, tools)
        while self._closed is None:
            reservation = _scaled(asked, self.charges.overrun)
            reason = self._reason(self.charges, reservation)
            if reason is None:
                self._held.append(reservation)
                self._add(reservation.tokens, reservation.usd or 0.0)
                return reservation
            if not self._held:
                self._refused = reason
                return None
            self._settled.clear()
            await self._settled.wait()
        return None

    def settle(self, reservation: Reservation, usage: Usage | None, usd: float | None) -> None:
        """Take a request out of flight: its usage takes the place of its reservation.

        Args:
            reservation: from ``admit``.
            usage: as stored; None where no reply was stored and the reservation stays charged.
            usd: its cost as stored; None where unknown.
        """
        self._held.remove(reservation)
        self._settled.set()
        if usage is None:
            return
        if usage.tokens is not None:
            self._add(usage.tokens - reservation.tokens, 0.0, usage.tokens / reservation.tokens)
        if usd is not None:
            self._add(0, usd - (reservation.usd or 0.0))

    def close(self, reason: str) -> None:
        """Admit no further request, for ``reason``."""
        self._closed = self._refused = reason

    @property
    def refused(self) -> str | None:
        """Why the last request that was not sent was not sent."""
        return self._refused

    def exhausted(self) -> str | None:
        """Return why no further request can be paid for, or None while one may."""
        if self._refused is not None:
            return self._refused
        if (self._budget.tokens is None and self._budget.usd is None) or not self._models:
            return None
        settled = self.charges._replace(
            tokens=self.charges.tokens - sum(reservation.tokens for reservation in self._held),
            usd=self.charges.usd - sum(reservation.usd or 0.0 for reservation in self._held),
        )
        reasons = [self._reason(settled, reservation_of(model, ())) for model in self._models]
        return reasons[0] if all(reasons) else None

    def _add(self, tokens: int, usd: float, overrun: float = 1.0) -> None:
        now = self.charges
        self._sum = Charges(now.tokens + tokens, now.usd + usd, max(now.overrun, overrun))

    def _reason(self, charges: Charges, asked: Reservation) -> str | None:
        tokens, usd = self._budget.tokens, self._budget.usd
        if tokens is not None and charges.tokens + asked.tokens > tokens:
            used = f"{charges.tokens:,} of {tokens:,} tokens are charged"
            return f"{used}; the next request could use {asked.tokens:,}"
        if usd is not None and charges.usd + (asked.usd or 0.0) > usd:
            return f"{charges.usd:.4f} of {usd:g} USD are charged; the next request could cost {asked.usd:.4f}"
        return None


def _structured(told: Any) -> int:
    return len(json.dumps(told, indent=4)) if told else 0


def _scaled(asked: Reservation, overrun: float) -> Reservation:
    """Return ``asked`` enlarged for a server that was seen to use more than its limits."""
    if overrun <= 1.0:
        return asked
    return Reservation(-int(-asked.tokens * overrun // 1), None if asked.usd is None else asked.usd * overrun)
