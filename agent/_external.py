"""Inventors from outside: a person or a coding agent asks for a ticket and tells what came of it; no loop runs.

Tickets are rows like the loop's and are committed in ticket order, so everything that reads a run reads this one,
and the archive is once more a pure function of the rows (promise 3). A ticket sees the archive as of the commits
that there were when it was asked for: its row says how many. What differs is that an outsider may take a day, or
never come back, and nobody should wait for that:

- A told ticket waits only for earlier ones that were told too and are being judged.
- Earlier ones that were not told are *overtaken*: closed without a candidate. Whoever tells one after all, before
  it expires, is given a new ticket with the same draw (``asked_as`` says which it was), if the budget has room. So
  telling out of order costs nobody anything but a row.

Nobody is the run's writer for long: the lock is taken to issue, to note what was told and to commit, and not while
a candidate is judged. That one is guarded by a lock of its own, which dies with its process; a candidate whose
judge was killed is judged by whoever comes next.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, Evaluation, Problem, SpeciateError

from ._archive import GIVEN, Archive
from ._events import Event, Issued, Judged
from ._fronts import from_front
from ._judging import Judge
from ._lock import RunBusyError
from ._loop import Search
from ._proposer import ArchiveView, Draw, Parent, Proposal, Task
from ._records import NO_CANDIDATE, CandidateRecord, InsertionRecord, TicketRecord

EXTERNAL = "external"
OPERATORS = ("rewrite", "tuning", "crossover", "simplify")
"""What a ticket suggests; whoever writes is free to do otherwise."""
INSPIRATIONS = 2
EXPIRED = "expired before it was told"
GIVEN_UP = "given up by whoever asked"
OVERTAKEN = "overtaken: a later ticket was told first"
IDEA_CHARACTERS = 2_000
PATIENCE_S = 60.0
"""How long a step waits for another process to let go of the run."""
POLL_S = 0.05


class ExternalProposer:
    """Draws tickets for outsiders. It cannot write: what is written is told."""

    name = EXTERNAL

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Choose a parent by rank (weight 1 / (rank + 1)), up to two other elites beside it, and an operator."""
        operator = rng.choice(OPERATORS)
        elites = list(view.elites)
        parents: list[int] = []
        if elites:
            rank = rng.choices(range(len(elites)), weights=[1 / (r + 1) for r in range(len(elites))])[0]
            parents = [from_front(view, elites.pop(rank), rng).ticket]
            parents += [elite.ticket for elite in rng.sample(elites, min(INSPIRATIONS, len(elites)))]
        if operator == "crossover" and len(parents) < 2:
            operator = "rewrite"
        return Draw(operator=operator, parents=tuple(parents), seed=rng.getrandbits(32))

    async def write(self, task: Task) -> Proposal:
        """Raise SpeciateError: a loop has nothing to do in such a run."""
        raise SpeciateError(
            f"ticket {task.ticket} of run {task.run_id} waits for its inventor; expected `speciate tell {task.run_id} "
            f"{task.ticket} FILE`, not a search"
        )

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Return None: an outsider mends with a ticket of its own."""
        return None


class Asked(NamedTuple):
    """A ticket that waits to be told."""

    ticket: TicketRecord
    parents: tuple[Parent, ...]
    """The design to start from, then others; empty where nothing was judged ok yet."""
    expires_at: float
    """Seconds since the epoch."""
    untold: tuple[int, ...]
    """All tickets of the run that wait to be told, this one included."""
    evaluations: int
    """Committed so far, as the budget counts them."""


class Told(NamedTuple):
    """What became of a told ticket."""

    ticket: int
    """Where it was committed: another number than it was asked as, if it was overtaken."""
    candidate: CandidateRecord
    evaluation: Evaluation
    entry: InsertionRecord | None
    """What it did to the archive; None where it was not archived."""
    evaluations: int
    """Committed so far, as the budget counts them."""


class External:
    """A run whose inventors come from outside. Several processes may each have one for the same run.

    Args:
        archive: holds the run.
        run_id: a run with ``proposer`` ``external``.
        problem: the run's problem.
        judge: scores; used outside the run's lock.
        on_event: told of each step in this thread; must not block.
    """

    def __init__(
        self,
        archive: Archive,
        run_id: str,
        problem: Problem[Any],
        judge: Judge,
        on_event: Callable[[Event], None] = lambda event: None,
    ):
        self.archive = archive
        self.run_id = run_id
        self.problem = problem
        self.judge = judge
        self.on_event = on_event

    async def ask(self, number: int | None = None) -> Asked:
        """Issue a ticket, or return ``number`` again while it waits to be told.

        The run's starting designs are judged first, if they were not yet.

        Raises:
            SpeciateError: the budget or the window has no room for another ticket, or ``number`` does not wait.
        """
        while True:
            async with self._desk() as desk:
                waiting = await desk.commit_told()
                first = [ticket for ticket in waiting if ticket.proposer == GIVEN]
                if not first:
                    return desk.asked(desk.untold(number) if number is not None else desk.issue())
            await self._judge_some(first)

    async def tell(self, number: int, candidate: Candidate, idea: str = "") -> Told:
        """Take what was written for a ticket: its row first, then its judging, then its commit.

        To tell the same candidate again is to ask once more what became of it, also after a kill.

        Raises:
            SpeciateError: no such ticket, or it expired, was given up, or was told with another candidate.
        """
        async with self._desk() as desk:
            await desk.commit_told()
            place = desk.accept(number, candidate, idea)
        await self.catch_up(place)
        return self._told(place)

    async def give_up(self, number: int) -> None:
        """Close a ticket that will not be told, so that its place in window and budget is free.

        Raises SpeciateError where it does not wait to be told.
        """
        while True:
            async with self._desk() as desk:
                before = [ticket for ticket in await desk.commit_told() if ticket.number < number]
                if not before:
                    await desk.give_up(number)
                    return
            await self._judge_some(before)

    async def catch_up(self, number: int | None = None) -> None:
        """Judge and commit what was told, up to ticket ``number``; everything for None."""
        while True:
            async with self._desk() as desk:
                waiting = await desk.commit_told()
            wanted = [ticket for ticket in waiting if number is None or ticket.number <= number]
            if not wanted:
                return
            await self._judge_some(wanted)

    async def _judge_some(self, tickets: Sequence[TicketRecord]) -> None:
        """Judge those that nobody judges; where there is none of them, let a little time pass."""
        if not any(await asyncio.gather(*(self._judge_told(ticket) for ticket in tickets))):
            await asyncio.sleep(POLL_S)

    async def _judge_told(self, ticket: TicketRecord) -> bool:
        """Judge a told ticket and write its evaluation; return whether there was anything to do."""
        number = ticket.number
        try:
            with self.archive.sole_writer(f"{self.run_id}.{number}"):
                if self.archive.evaluation_of(self.run_id, number, 0) is not None:
                    return False
                candidate = self.archive.candidates_of(self.run_id, number)[0].candidate
                word = await self.judge(candidate, self.archive.cache(self.run_id, ticket.visible))
                self.archive.store_evaluation(self.run_id, word, "search", number, 0)
        except RunBusyError:
            return False
        self.on_event(Judged(number, 0, word.status.value, word.score, word.cost.wall_s))
        return True

    @asynccontextmanager
    async def _desk(self) -> AsyncIterator["_Desk"]:
        """Hold the run for a moment. Raises SpeciateError if another process holds it for long."""
        until = time.monotonic() + PATIENCE_S
        desk = _Desk(self.archive, self.run_id, self.problem, ExternalProposer(), self.judge, self.on_event)
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(self.archive.sole_writer(self.run_id))
                    break
                except RunBusyError:
                    if time.monotonic() > until:
                        raise
                await asyncio.sleep(POLL_S)
            desk.open()
            yield desk

    def _told(self, number: int) -> Told:
        judged = self.archive.evaluation_of(self.run_id, number, 0)
        if judged is None:
            raise LookupError(f"run {self.run_id}, ticket {number}: committed without an evaluation")
        log = {entry.ticket: entry for entry in self.archive.insertions(self.run_id)}
        record = self.archive.candidates_of(self.run_id, number)[0]
        spent = self.archive.progress(self.run_id)[-1].evaluations
        return Told(number, record, judged.evaluation, log.get(number), spent)


class _Desk(Search):
    """One moment of an external run under its lock: a sitting that never waits for an inventor."""

    def open(self) -> None:
        """Read the run as it stands."""
        record = self._load()
        if record.settings.proposer != EXTERNAL:
            raise SpeciateError(
                f"run {record.id} invents by itself ({record.settings.proposer}); expected a run made with "
                f"`speciate run {record.problem.name} --proposer external`"
            )
        self._finished = record.state == "finished"
        self._told = {number for number in self._open if self.archive.candidates_of(self.run_id, number)}

    async def commit_told(self) -> list[TicketRecord]:
        """Commit what is judged, close what is expired or overtaken; return what was told and is not committed."""
        found = {number: self.archive.evaluation_of(self.run_id, number, 0) for number in self._told}
        words = {number: record.evaluation for number, record in found.items() if record is not None}
        last = max(words, default=-1)
        for number in sorted(self._open):
            ticket = self._open[number]
            if number in words:
                await self._close(ticket, words[number])
            elif number in self._told:
                break
            elif self._expired(ticket):
                await self._shut(ticket, EXPIRED)
            elif number < last:
                await self._shut(ticket, OVERTAKEN)
            else:
                break
        limit = self._settings.budget.evaluations
        if limit is not None and self._evaluations >= limit and not self._open and not self._finished:
            self._end("finished", f"{self._evaluations} evaluations")
            self._finished = True
        return [self._open[number] for number in sorted(self._told & self._open.keys())]

    def issue(self) -> TicketRecord:
        """Draw a ticket on the archive as it stands. Raises SpeciateError where there is no room for one."""
        self._require_room()
        if len(self._open) >= self._settings.window:
            raise SpeciateError(f"{len(self._open)} tickets are open, as many as the run's window: {self._way_out()}")
        return self._write(self._draw(self._issued))

    def asked(self, ticket: TicketRecord) -> Asked:
        """Return an issued ticket with what its inventor needs."""
        parents = self._task(ticket).parents
        return Asked(ticket, parents, self._expires_at(ticket), self._waiting(), self._evaluations)

    def accept(self, number: int, candidate: Candidate, idea: str) -> int:
        """Write what was told for a ticket; return the ticket that it is in. Raises SpeciateError."""
        asked = self._external(number)
        again = next((t for t in self._all if t.draw.extra.get("asked_as") == number), asked)
        written = self.archive.candidates_of(self.run_id, again.number)
        if written:
            if written[0].candidate.id == candidate.id:
                return again.number
            told = f"run {self.run_id}: ticket {number} was told already, with candidate {written[0].candidate.id[:12]}"
            raise SpeciateError(f"{told}; ask for another ticket")
        overtaken = asked.note == OVERTAKEN
        if asked.outcome is not None and not overtaken:
            raise SpeciateError(f"run {self.run_id}: ticket {number} was {asked.note}; ask for another one")
        if self._expired(asked):
            raise SpeciateError(f"run {self.run_id}: ticket {number} {EXPIRED}; ask for another one")
        if overtaken:
            self._require_room()
            asked = self._write(replace(asked.draw, extra={**asked.draw.extra, "asked_as": number}))
        parents = tuple(parent.candidate.id for parent in self._task(asked).parents)
        signed = {"operator": asked.draw.operator, "proposer": EXTERNAL, "parents": parents}
        words = " ".join(idea.replace("\0", " ").split())[:IDEA_CHARACTERS]
        self.archive.store_candidate(self.run_id, asked.number, 0, candidate.model_copy(update=signed), words)
        return asked.number

    async def give_up(self, number: int) -> None:
        """Close a ticket that waits to be told; earlier ones of its kind are overtaken."""
        self.untold(number)
        for earlier in [each for each in self._waiting() if each < number]:
            await self._shut(self._open[earlier], OVERTAKEN)
        await self._shut(self._open[number], GIVEN_UP)

    def untold(self, number: int) -> TicketRecord:
        """Return a ticket that waits to be told. Raises SpeciateError for any other."""
        ticket = self._external(number)
        if number not in self._waiting() or self._expired(ticket):
            ended = ticket.note if ticket.outcome == NO_CANDIDATE else "told" if ticket.outcome is None else EXPIRED
            state = f"ended with {ticket.outcome}" if ticket.outcome not in (None, NO_CANDIDATE) else ended
            raise SpeciateError(f"run {self.run_id}: ticket {number} does not wait to be told: {state}")
        return ticket

    def _external(self, number: int) -> TicketRecord:
        ticket = self.archive.ticket(self.run_id, number)
        if ticket.proposer != EXTERNAL:
            raise SpeciateError(f"run {self.run_id}: ticket {number} is a starting design; ask for a ticket")
        return ticket

    @property
    def _all(self) -> list[TicketRecord]:
        return self.archive.tickets(self.run_id)

    def _require_room(self) -> None:
        limit = self._settings.budget.evaluations
        if limit is None or self._evaluations + len(self._open) < limit:
            return
        if self._evaluations >= limit:
            raise SpeciateError(
                f"run {self.run_id} has used up its {limit} evaluations; `speciate resume {self.run_id}` chooses the "
                "champion and writes the report"
            )
        left = limit - self._evaluations
        raise SpeciateError(f"the last {left} of {limit} evaluations are kept for open tickets: {self._way_out()}")

    def _way_out(self) -> str:
        waiting = self._waiting()
        if not waiting:
            return "they are being judged; ask again later"
        names = ", ".join(map(str, waiting))
        return f"tell {names}, or give one up (`speciate tell {self.run_id} {waiting[0]} --give-up`)"

    def _waiting(self) -> tuple[int, ...]:
        return tuple(sorted(self._open.keys() - self._told))

    def _expires_at(self, ticket: TicketRecord) -> float:
        # The one thing that is computed from a time stamp; what came of it is a row.
        return ticket.issued_at + self._settings.ticket_hours * 3600

    def _expired(self, ticket: TicketRecord) -> bool:
        return self.archive.now() >= self._expires_at(ticket)

    def _write(self, draw: Draw) -> TicketRecord:
        number = self._issued
        ticket = self.archive.issue(self.run_id, number, self._committed, EXTERNAL, draw)
        self._open[number] = ticket
        self.on_event(Issued(number, draw.operator, draw.parents, draw.model))
        return ticket

    async def _close(self, ticket: TicketRecord, word: Evaluation) -> None:
        """Commit a judged ticket; it is its turn."""
        idea = self.archive.candidates_of(self.run_id, ticket.number)[0].idea
        self._turns[ticket.number] = turn = asyncio.get_running_loop().create_future()
        turn.set_result(None)
        note = "\n".join(part for part in (idea, word.detail) if part)
        await self._commit(ticket, word.status.value, note, word)

    async def _shut(self, ticket: TicketRecord, why: str) -> None:
        """Close a ticket for which nothing was told; it is its turn."""
        self._turns[ticket.number] = turn = asyncio.get_running_loop().create_future()
        turn.set_result(None)
        await self._commit(ticket, NO_CANDIDATE, why, None)
