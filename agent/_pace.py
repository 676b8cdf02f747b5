"""The limits of one endpoint: so many requests at once, and so many, and so many tokens, in any minute.

A request waits here before it has a row, in the order of coming. What is drawn and what is replayed do not depend
on how long: the wait only uses up the run's minutes.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from ._settings import ModelSettings

MINUTE_S = 60.0

Sleep = Callable[[float], Awaitable[None]]


class Clock(NamedTuple):
    """Time as it passes while models are asked; a test passes its own."""

    now: Callable[[], float] = time.monotonic
    """Seconds; only differences count."""
    sleep: Sleep = asyncio.sleep


WALL_CLOCK = Clock()


@dataclass
class Passage:
    """One request that was let through."""

    at: float
    tokens: int
    """Reserved, and what was used once that is known."""


class Pace:
    """Lets the requests to one model through as its limits allow.

    A request of more tokens than a whole minute allows goes when nothing else counts.

    Args:
        model: its limits.
        clock: by which a minute passes.
    """

    def __init__(self, model: ModelSettings, clock: Clock = WALL_CLOCK):
        self._model = model
        self._clock = clock
        self._slots = nullcontext() if model.concurrency is None else asyncio.Semaphore(model.concurrency)
        self._line = asyncio.Lock()
        self._recent: deque[Passage] = deque()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def passage(self, tokens: int) -> AsyncIterator[Passage]:
        """Wait until a request of at most ``tokens`` may be sent, and count it as in flight until the end.

        Set ``Passage.tokens`` to what it used, where that is known.
        """
        async with self._slots:
            async with self._line:
                while (wait_s := self._wait_s(tokens)) > 0:
                    await self._sleep(wait_s)
                passage = Passage(self._clock.now(), tokens)
                self._recent.append(passage)
            try:
                yield passage
            finally:
                self._freed.set()

    def _wait_s(self, tokens: int) -> float:
        """Return the seconds until the oldest request of the last minute no longer counts; 0 where there is room."""
        now = self._clock.now()
        while self._recent and self._recent[0].at + MINUTE_S <= now:
            self._recent.popleft()
        if not self._recent:
            return 0.0
        requests, most = self._model.requests_per_minute, self._model.tokens_per_minute
        full = requests is not None and len(self._recent) >= requests
        dear = most is not None and sum(each.tokens for each in self._recent) + tokens > most
        return self._recent[0].at + MINUTE_S - now if full or dear else 0.0

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but not longer than until a request has ended that may have used less than was reserved."""
        self._freed.clear()
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._freed.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
