"""A run once more, from its record: the draws are drawn again, and what was received is not asked for again.

What a search cannot compute comes from the record: what models replied, what outsiders told, and what a judge
said that it would not say again (a measurement under noise, a deadline, a lack of memory). All else is computed
afresh and compared, ticket by ticket.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, Evaluation, EvaluationCache, Problem, SpeciateError, Status
from sqlalchemy import select

from ._archive import GIVEN, Archive, create_run
from ._digest import Parting, archive_digest, parting_of, ticket_facts
from ._evaluation_budget import ALLOWED
from ._events import Event
from ._flight import Flight
from ._ideas import TURN as PLANNING
from ._judging import Judge
from ._laboratory import EXPERIMENT
from ._lesson_rows import copy_beginning
from ._llm import LLMProposer
from ._loop import Search
from ._proposer import ArchiveView, Draw, Proposal, Proposer, Reflector, Task
from ._proposers import FIXED_GRAMMAR, open_proposer
from ._recorded_replies import copy_exchanges
from ._records import CandidateRecord, RunRecord, TicketRecord
from ._reflection import TURN
from ._remeasuring import PURPOSE
from ._settings import Budget
from ._statements import TICKETS

_NOT_AGAIN = frozenset((Status.TIMEOUT, Status.OOM, Status.OUTPUT_LIMIT, Status.SANDBOX_ERROR))
"""What hangs on the machine and its load: taken from the record even where all else is judged again."""


class PartedError(Exception):
    """The replay does what the record does not."""

    def __init__(self, parting: Parting):
        super().__init__(f"ticket {parting.ticket}: {parting.why}")
        self.parting = parting


class Replayed(NamedTuple):
    """How a replay ended."""

    run_id: str
    """The new run."""
    tickets: int
    """Committed ones in the record."""
    recorded: str
    """Digest of the record."""
    digest: str
    """Digest of the replay."""
    parting: Parting | None
    """None where the two are identical."""


async def replay(
    source: Archive,
    run_id: str,
    target: Archive,
    problem: Problem[Any],
    judge: Judge | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Replayed:
    """Replay the committed tickets of a run into a new run of ``target``.

    Args:
        source: holds the record; it is only read.
        run_id: the recorded run.
        target: where the replay is written; may be ``source``.
        problem: the problem the run was made for.
        judge: judges again what is deterministic; None takes every judgement from the record.
        on_event: told of each step in this thread.

    Raises:
        SpeciateError: nothing was committed yet, or the problem has another version.
    """
    record = Record(source, source.run(run_id))
    if not record.visible:
        raise SpeciateError(f"run {run_id} has no committed ticket yet: there is nothing to replay; resume it first")
    starters = [record.candidates(number)[0] for number in record.given]
    run = record.run
    environment = {**run.environment, "replay_of": run.id}
    new_id = create_run(target, run.settings, problem, starters, environment)
    copy_beginning((source.database, run.id), (target.database, new_id))
    for purpose in (PURPOSE, EXPERIMENT):
        for word in source.evaluations(run.id, purpose=purpose):
            if word.ticket is not None and word.ticket < len(record.visible):
                target.store_evaluation(new_id, word.evaluation, purpose, word.ticket, word.turn, word.repetition)
    parting = None
    async with _proposer(record, target, target.run(new_id), problem) as proposer:
        told = Retelling(record, proposer)
        try:
            again = judge if judge and not problem.noisy else _nobody
            await Replay(target, new_id, problem, told, again, on_event, record=record).run()
        except PartedError as error:
            parting = error.parting
    parting = parting or parting_of(ticket_facts(source, run.id), ticket_facts(target, new_id))
    digests = archive_digest(source, run.id), archive_digest(target, new_id)
    return Replayed(new_id, len(record.visible), *digests, parting)


class Record:
    """What a run's rows say of its committed tickets."""

    def __init__(self, archive: Archive, run: RunRecord):
        self.archive = archive
        self.run = run
        query = select(TICKETS.c.visible, TICKETS.c.proposer).where(
            TICKETS.c.run_id == run.id, TICKETS.c.outcome.is_not(None)
        )
        with archive.database.read() as connection:
            rows = connection.execute(query.order_by(TICKETS.c.number)).all()
        self.visible = [row.visible for row in rows]
        """By ticket: the commits it saw."""
        self.given = [number for number, row in enumerate(rows) if row.proposer == GIVEN]

    def ticket(self, number: int) -> TicketRecord:
        """Return a ticket as recorded."""
        return self.archive.ticket(self.run.id, number)

    def written(self, number: int) -> list[CandidateRecord]:
        """Return what a ticket produced, by turn, with what was said of it."""
        return self.archive.candidates_of(self.run.id, number)

    def candidates(self, number: int) -> list[Candidate]:
        """Return what a ticket produced, by turn."""
        return [record.candidate for record in self.written(number)]

    def word(self, number: int, candidate_id: str) -> Evaluation | None:
        """Return what the judge said of a candidate of this ticket; None where it was not asked."""
        for turn, candidate in enumerate(self.candidates(number)):
            if candidate.id == candidate_id:
                found = self.archive.evaluation_of(self.run.id, number, turn)
                return found.evaluation if found else None
        return None


class _Landed(Flight):
    """Of a run that is over: what was reused in flight is in the record, as all that was judged."""

    async def known(self, ticket: TicketRecord, candidate: Candidate) -> Evaluation | None:
        """Return None."""
        return None


@dataclass
class Replay(Search):
    """A search that issues the record's tickets at the record's commits, and ends where the record ends."""

    record: Record = field(kw_only=True)

    def _load(self) -> RunRecord:
        run = super()._load()
        # What a sitting's budgets allowed is told by which tickets there are.
        self._settings = self._settings.model_copy(update={"budget": Budget()})
        self._flight = _Landed(self.archive, self.run_id)
        return run

    def _ended(self) -> tuple[str, str] | None:
        return ("finished", "the record ends") if self._issued >= len(self.record.visible) else None

    def _has_room(self) -> bool:
        number = self._issued
        return number < len(self.record.visible) and self.record.visible[number] == self._committed

    def _allowed(self, draw: Draw) -> Draw:
        # What could be paid for is told by the record, like the budgets.
        was = self.record.ticket(self._issued).draw.extra
        kept = {name: was[name] for name in (ALLOWED,) if name in was and name in draw.extra}
        return replace(draw, extra={**draw.extra, **kept})

    async def _commit(self, ticket: TicketRecord, outcome: str, note: str, word: Evaluation | None) -> None:
        try:
            await super()._commit(ticket, outcome, note, word)
        except UnrecordedError as error:
            raise PartedError(Parting(ticket.number, str(error))) from error

    def _judge_of(self, ticket: TicketRecord) -> Judge:
        async def judging(
            candidate: Candidate,
            cache: EvaluationCache | None,
            repetition: int = 0,
            *,
            only: tuple[str, ...] = (),
        ) -> Evaluation:
            if only:
                raise PartedError(Parting(ticket.number, f"candidate {candidate.id} was never tried on {only[0]}"))
            word = self.record.word(ticket.number, candidate.id)
            if word is None:
                raise PartedError(Parting(ticket.number, f"candidate {candidate.id} is to be judged and never was"))
            if self.judge is _nobody or self.problem.noisy or word.status in _NOT_AGAIN:
                return word
            if word.duplicate_of == candidate.id and cache is not None and cache.by_source(candidate.id) is None:
                # Reused from a ticket in flight, of which a judge knows nothing; there it is judged again.
                return word
            again = await self.judge(candidate, cache)
            for name in ("status", "score", "descriptors", "decision_hash"):
                was, now = getattr(word, name), getattr(again, name)
                if was != now:
                    raise PartedError(Parting(ticket.number, f"judged again, {name} is {now}, recorded {was}"))
            # Costs are what they were: draws may learn from them.
            return again.model_copy(update={"cost": word.cost})

        return judging


class Retelling:
    """Holds what a proposer draws and writes against the record, or recites the record where there is none to ask."""

    def __init__(self, record: Record, proposer: Proposer | None):
        self._record = record
        self._proposer = proposer
        self._number = len(record.given)
        self.name = proposer.name if proposer else record.run.settings.proposer

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Draw the next ticket; ``write`` compares, when it is its turn."""
        number, self._number = self._number, self._number + 1
        return self._proposer.draw(view, rng) if self._proposer else self._record.ticket(number).draw

    async def write(self, task: Task) -> Proposal:
        """Write a candidate, and compare draw and candidate. Raises PartedError."""
        recorded = self._record.ticket(task.ticket)
        was, now = _plain(recorded.draw), _plain(task.draw)
        if was != now:
            raise PartedError(Parting(task.ticket, f"draw: recorded {was}, now {now}"))
        if self._proposer is None:
            return self._recited(task.ticket, 0)
        proposal = await self._proposer.write(task)
        return self._compared(task.ticket, 0, proposal, recorded.note)

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Mend a candidate, and compare. Raises PartedError."""
        if self._proposer is None:
            return self._recited(task.ticket, turn) if turn < len(self._record.candidates(task.ticket)) else None
        proposal = await self._proposer.repair(task, turn, candidate, evaluation)
        return self._compared(task.ticket, turn, proposal, "") if proposal else None

    async def reflect(self, task: Task) -> None:
        """Read what was made of the last outcomes, where that was asked for and answered."""
        if isinstance(self._proposer, Reflector):
            await self._proposer.reflect(task)

    def _recited(self, ticket: int, turn: int) -> Proposal:
        written = self._record.written(ticket)
        if turn >= len(written):
            return Proposal(None, note=self._record.ticket(ticket).note)
        return Proposal(written[turn].candidate, idea=written[turn].idea, reasons=written[turn].reasons)

    def _compared(self, ticket: int, turn: int, proposal: Proposal, note: str) -> Proposal:
        candidates = self._record.candidates(ticket)
        was = candidates[turn] if turn < len(candidates) else None
        now = proposal.candidate
        if (was and was.files) != (now and now.files):
            told = [each.id if each else "no candidate" for each in (was, now)]
            why = f" ({proposal.note})" if proposal.note and now is None else ""
            raise PartedError(Parting(ticket, f"turn {turn}: recorded {told[0]}, now {told[1]}{why}"))
        return Proposal(None, note=note) if now is None else proposal


class UnrecordedError(Exception):
    """A judge would have to be asked what the record does not tell."""


class RecordedLLM(LLMProposer):
    """The proposer ``llm`` whose replies are copied from the record, turn by turn, and none is asked for."""

    def __init__(self, problem: Problem[Any], record: Record, target: Archive, run: RunRecord):
        budget = run.settings.budget.model_copy(update={"usd": None, "tokens": None})
        settings = run.settings.model_copy(update={"budget": budget})
        keys = {model.api_key_env: "replay" for model in settings.models}
        super().__init__(problem, settings, target.database, run.id, environ=keys)
        self._budget.close("the record holds no reply to this request")
        self._from = (record.archive.database, record.run.id)
        self._into = (target.database, run.id)

    async def write(self, task: Task) -> Proposal:
        """Read what the model had written; no candidate where it had not."""
        for turn in (PLANNING, 0):
            copy_exchanges(self._from, self._into, task.ticket, turn)
        return await super().write(task)

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Read how the model had mended it; no candidate where it had not."""
        copy_exchanges(self._from, self._into, task.ticket, turn)
        return await super().repair(task, turn, candidate, evaluation)

    async def reflect(self, task: Task) -> None:
        """Read what the model had made of the last outcomes, where it had been asked."""
        copy_exchanges(self._from, self._into, task.ticket, TURN)
        await super().reflect(task)


@asynccontextmanager
async def _proposer(
    record: Record, target: Archive, run: RunRecord, problem: Problem[Any]
) -> AsyncIterator[Proposer | None]:
    """Give who draws and writes again; None where what was received can only be recited."""
    if run.settings.proposer == LLMProposer.name:
        async with RecordedLLM(problem, record, target, run) as proposer:
            yield proposer
    elif run.settings.proposer in FIXED_GRAMMAR:
        async with open_proposer(target, run, problem) as proposer:
            yield proposer
    else:
        yield None


async def _nobody(
    candidate: Candidate, cache: EvaluationCache | None, repetition: int = 0, *, only: tuple[str, ...] = ()
) -> Evaluation:
    """Stand for a judge where all judgements come from the record; asked only for what that does not hold."""
    raise UnrecordedError(f"the record holds no repetition {repetition} of candidate {candidate.id}")


def _plain(draw: Draw) -> str:
    return json.dumps({**vars(draw), "extra": dict(draw.extra)}, sort_keys=True)
