"""Niches under a noisy judge: whoever would take one is measured afresh, and so is its holder.

The measurement by which a candidate came up is the best of many tries, so it flatters: only repetitions that
neither side was chosen by count. A lucky outlier thus loses its niche to the next challenger that is better,
and its score falls back to what it is worth. What is decided follows from the rows alone: a repetition that has
a row is not measured again, and the numbers of the repetitions follow from the insertion log.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from speciate.evaluators import Evaluation, SpeciateError, Status
from speciate.evaluators._selection import Choice, Pull, Selection

from ._archive import Archive
from ._grid import Grid, Inserted
from ._judging import Judge
from ._records import CandidateRecord, InsertionRecord

PURPOSE = "remeasure"
SETTLING = 3
"""Fresh repetitions of a candidate that finds its niche empty (at most the cap): nobody is there to beat, but
what it came up by is no score to be measured against."""


class Standing(NamedTuple):
    """What a candidate's fresh repetitions came to, over all its contests."""

    mean: float
    """Minimised."""
    repetitions: int
    next: int
    """The lowest number of a repetition that it was not yet chosen by."""


class _NoWordError(Exception):
    """A repetition ended as ``sandbox_error``, our own fault: nothing can be decided by it."""


@dataclass
class Remeasuring:
    """Decides who holds a niche by fresh repetitions.

    Args:
        archive: holds the run.
        run_id: the run.
        judge: measures; asked for repetitions from 1 on.
        sign: turns a score into a minimised one.
        cap: most fresh repetitions of either side in one contest, at least 1.
    """

    archive: Archive
    run_id: str
    judge: Judge
    sign: float
    cap: int
    _standings: dict[int, Standing] = field(default_factory=dict)

    def replay(self, entry: InsertionRecord, holder: int | None) -> None:
        """Learn from a line of the log who was measured how often; ``holder`` held the niche before it."""
        if not entry.repetitions:
            return
        following = self._first(holder) + entry.repetitions
        self._standings[entry.ticket] = Standing(entry.score, entry.repetitions, following)
        if holder is not None and entry.holder_score is not None:
            count = self._standings[holder].repetitions if holder in self._standings else 0
            self._standings[holder] = Standing(entry.holder_score, count + entry.repetitions, following)

    async def insert(
        self, grid: Grid, ticket: int, word: Evaluation, further: tuple[float, ...] = ()
    ) -> Inserted:
        """Offer a candidate that was judged ``ok`` to its niche, and return what came of it.

        It is measured again only if its first measurement would take the niche. One that fails in a repetition
        takes nothing, and a holder that fails loses to a challenger that does not. The further objectives stay as they
        were first measured.
        """
        if word.score is None:
            raise ValueError(f"ticket {ticket}: expected an evaluation with a score, got one that is {word.status}")
        score, cell = self.sign * word.score, grid.tessellation.cell_of(word.descriptors)
        holder = grid.holder(cell)
        done = Inserted(cell, score, "rejected", None, further=further)
        if holder is None or score < holder.score:
            first = self._first(holder.ticket if holder else None)
            try:
                if holder is None:
                    done = self._settled(done, ticket, await self._alone(ticket, first), first)
                else:
                    choice = await self._contest((holder.ticket, ticket), first)
                    done = self._contested(done, (holder.ticket, ticket), choice, first)
                    done = done._replace(replaced=holder if done.result == "improved" else None)
            except _NoWordError:
                done = done._replace(further=())
        grid.apply(ticket, done)
        return done

    async def _alone(self, ticket: int, first: int) -> list[float | None]:
        pulls = range(first, first + min(SETTLING, self.cap))
        known = self.archive.remeasured(self.run_id, ticket)
        return list(await asyncio.gather(*(self._value(ticket, number, known.get(number)) for number in pulls)))

    def _settled(self, done: Inserted, ticket: int, values: Sequence[float | None], first: int) -> Inserted:
        right = [value for value in values if value is not None]
        if len(right) < len(values):
            return done._replace(repetitions=len(values), further=())
        mean = math.fsum(right) / len(right)
        self._standings[ticket] = Standing(mean, len(right), first + len(right))
        return done._replace(score=mean, result="new", repetitions=len(right))

    async def _contest(self, sides: tuple[int, int], first: int) -> Choice:
        """Measure both sides in turn until their interval decides or the cap is reached; ties favour the holder."""
        known = [self.archive.remeasured(self.run_id, ticket) for ticket in sides]
        selection = Selection(2, 2 * self.cap, first)

        async def answer(pull: Pull) -> tuple[Pull, float | None]:
            word = known[pull.arm].get(pull.repetition)
            return pull, await self._value(sides[pull.arm], pull.repetition, word)

        while wave := selection.wanted():
            for pull, value in await asyncio.gather(*map(answer, wave)):
                selection.tell(pull, value)
        return selection.choice()

    def _contested(self, done: Inserted, sides: tuple[int, int], choice: Choice, first: int) -> Inserted:
        """Put a contest's end into the log's terms, and remember what each side is worth now."""
        holder, challenger = choice.means
        waves, following = choice.waves, first + choice.waves
        if holder is not None:
            old = self._standings.get(sides[0], Standing(0.0, 0, 0))
            count = old.repetitions + waves
            holder = (old.mean * old.repetitions + holder * waves) / count
            self._standings[sides[0]] = Standing(holder, count, following)
        if challenger is not None:
            self._standings[sides[1]] = Standing(challenger, waves, following)
        return done._replace(
            score=done.score if challenger is None else challenger,
            result="improved" if choice.arm == 1 else "rejected",
            repetitions=waves,
            decided=choice.decided,
            holder_score=holder,
            further=() if challenger is None else done.further,
        )

    async def _value(self, ticket: int, repetition: int, known: Evaluation | None) -> float | None:
        """Return the minimised score of one repetition, None for a failure; measured only if there is no row of it."""
        word = known
        if word is None:
            record = self._candidate(ticket)
            word = await self.judge(record.candidate, None, repetition)
            self.archive.store_evaluation(self.run_id, word, PURPOSE, ticket, record.turn, repetition)
        if word.status is Status.SANDBOX_ERROR:
            raise _NoWordError
        return self.sign * word.score if word.status is Status.OK and word.score is not None else None

    def _candidate(self, ticket: int) -> CandidateRecord:
        """Return a ticket's candidate as last judged."""
        for record in reversed(self.archive.candidates_of(self.run_id, ticket)):
            if self.archive.evaluation_of(self.run_id, ticket, record.turn) is not None:
                return record
        raise SpeciateError(f"run {self.run_id}: ticket {ticket} holds a niche but was never judged")

    def _first(self, holder: int | None) -> int:
        """Return the number of the first repetition that the holder was not chosen by; 0 chose the challenger."""
        return self._standings[holder].next if holder in self._standings else 1
