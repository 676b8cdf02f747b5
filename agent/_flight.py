"""Sources in flight: a candidate that an earlier open ticket has written too waits for that one's word.

The archive that a ticket sees ends with the commits there were when it was drawn, so a source that is written twice
within one window would be judged twice. Whether a source is new is therefore asked of the first candidates of the
tickets beyond, too. Judging waits until those are written (not until they are judged), so that what is reused does
not depend on time or on the number of workers.
"""

import asyncio
from typing import Self

from speciate.evaluators import Candidate, Cost, Evaluation, Status

from ._archive import Archive
from ._records import TicketRecord

_NOT_REUSED = frozenset((Status.RACED_OUT, Status.SANDBOX_ERROR))


class Flight:
    """How far the open tickets of a sitting have come.

    Args:
        archive: holds the run.
        run_id: the run.
    """

    def __init__(self, archive: Archive, run_id: str):
        self._archive = archive
        self._run_id = run_id
        self._written: dict[int, asyncio.Event] = {}
        self._judged: dict[int, asyncio.Event] = {}

    def begin(self, ticket: int) -> Self:
        """Take a ticket into account, all earlier ones having been begun before; return this flight."""
        self._written[ticket], self._judged[ticket] = asyncio.Event(), asyncio.Event()
        return self

    def wrote(self, ticket: int) -> None:
        """Note that a ticket's first candidate is a row, or that there will be none."""
        self._written[ticket].set()

    def judged(self, ticket: int) -> None:
        """Note that the word on a ticket's first candidate is a row."""
        self._judged[ticket].set()

    def end(self, ticket: int) -> None:
        """Let go of a committed ticket: all of it is in the rows."""
        del self._written[ticket], self._judged[ticket]

    async def known(self, ticket: TicketRecord, candidate: Candidate) -> Evaluation | None:
        """Return the evaluation to reuse from an earlier ticket that ``ticket`` does not see; None where there is none.

        Waits for the earlier tickets' first candidates and, where one is this, for the word on it.
        """
        for number in range(ticket.visible, ticket.number):
            if number in self._written:
                await self._written[number].wait()
        first = self._archive.first_writer(self._run_id, candidate.id, ticket.visible, ticket.number)
        if first is None:
            return None
        while (record := self._archive.evaluation_of(self._run_id, first, 0)) is None:
            await self._judged[first].wait()
        word = record.evaluation
        if word.status in _NOT_REUSED:
            return None
        reused = {
            "status": Status.DUPLICATE,
            "duplicate_of": candidate.id,
            "detail": f"ticket {first} wrote the same ({word.status}); its evaluation is reused",
            "cost": Cost(),
        }
        return word.model_copy(update=reused)
