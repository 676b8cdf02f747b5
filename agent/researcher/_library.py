"""The designs that one ticket may look at, as of the commits that it sees; all that is told of them is of train."""

from collections.abc import Sequence
from functools import cached_property

from speciate.evaluators import Candidate, Evaluation
from sqlalchemy import select

from .._archive import GIVEN
from .._parents import Parents
from .._proposer import Reasons, Task
from .._reader import ArchiveReader
from .._records import CandidateRecord, EliteRecord
from .._settings import Memory
from .._standing import tickets_of
from .._statements import CANDIDATES


class Library:
    """What a ticket may read: its parents, the designs the run started from, and all that hold a niche.

    Where the run remembers less than its archive (a control arm), its own parents are all.

    Args:
        archive: holds the run.
        task: the ticket's.
        memory: the run's.
    """

    def __init__(self, archive: ArchiveReader, task: Task, memory: Memory):
        self._archive = archive
        self._task = task
        self._memory = memory
        self._parents = Parents(archive, task.run_id)

    @cached_property
    def elites(self) -> Sequence[EliteRecord]:
        """Who holds a niche, best first."""
        if self._memory != "archive":
            return ()
        return self._archive.elites(self._task.run_id, self._task.visible)

    @cached_property
    def tickets(self) -> frozenset[int]:
        """The tickets whose designs may be looked at."""
        allowed = {parent.ticket for parent in self._task.parents} | {elite.ticket for elite in self.elites}
        if self._memory == "archive":
            given = tickets_of(self._archive.database, self._task.run_id, GIVEN)
            allowed |= {number for number in given if number < self._task.visible}
        return frozenset(allowed)

    def record(self, ticket: int) -> CandidateRecord | None:
        """Return a design as last judged, with its author's words; None for one that may not be looked at."""
        if ticket not in self.tickets:
            return None
        judged = self._parents.of(ticket).candidate
        written = self._archive.candidates_of(self._task.run_id, ticket)
        return next(record for record in reversed(written) if record.candidate.id == judged.id)

    def evaluation(self, ticket: int) -> Evaluation:
        """Return what the judge said of it on train."""
        return self._parents.of(ticket).evaluation

    def twin(self, candidate: Candidate) -> int | None:
        """Return the ticket of the same design, where the run has had it and remembers it; else None."""
        written = CANDIDATES.c
        same = select(written.ticket).where(
            written.run_id == self._task.run_id,
            written.candidate_id == candidate.id,
            written.ticket < self._task.visible,
        )
        with self._archive.database.read() as connection:
            found = connection.execute(same.order_by(written.ticket)).scalars().all()
        return next((ticket for ticket in found if self._memory == "archive" or ticket in self.tickets), None)

    def words(self, record: CandidateRecord) -> Reasons:
        """Return what a design's author said of it; the idea stands for a rationale that was not given."""
        return record.reasons._replace(rationale=record.reasons.rationale or record.idea)
