"""Designs as proposers see them, read from the rows and kept: whoever holds a niche is drawn again and again."""

from speciate.evaluators import SpeciateError

from ._proposer import Parent
from ._reader import ArchiveReader

KEPT = 1000
"""Designs kept in memory."""


class Parents:
    """The judged designs of one run, by ticket.

    Args:
        archive: holds the run.
        run_id: the run.
    """

    def __init__(self, archive: ArchiveReader, run_id: str):
        self._archive = archive
        self._run_id = run_id
        self._kept: dict[int, Parent] = {}

    def of(self, ticket: int) -> Parent:
        """Return a ticket's design as last judged. Raises SpeciateError where it was never judged."""
        if ticket not in self._kept:
            self._kept[ticket] = self._read(ticket)
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return self._kept[ticket]

    def _read(self, ticket: int) -> Parent:
        for record in reversed(self._archive.candidates_of(self._run_id, ticket)):
            judged = self._archive.evaluation_of(self._run_id, ticket, record.turn)
            if judged is not None:
                return Parent(ticket, record.candidate, judged.evaluation)
        raise SpeciateError(f"run {self._run_id}: ticket {ticket} was drawn as a parent but was never judged")
