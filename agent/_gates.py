"""The gate before a problem's validation workloads, kept in the archive: one for all runs of a database."""

import hashlib
import json
from typing import NamedTuple

from speciate.evaluators import ProblemRef
from speciate.evaluators._gate import Gate, GateAnswer, GateSettings, GateState
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from ._archive import Archive
from ._tables import GateQuery

ATTEMPTS = 20
"""How often a query is put again when another process was quicker to take its number."""


class Question(NamedTuple):
    """What is asked of a gate: is this design better than the reference?"""

    run_id: str
    candidate_id: str
    train: float
    """Its gain over the reference on train, as a share."""
    validation: float


class ArchiveGate:
    """The gate of one version of a problem.

    A design that was asked about before, in whatever run, gets the same answer again, and that costs nothing.
    """

    def __init__(self, archive: Archive, problem: ProblemRef, version: str, settings: GateSettings | None = None):
        told = json.dumps([problem.name, problem.options, version], sort_keys=True)
        self.key = hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
        self.settings = settings or GateSettings()
        self._archive = archive
        self._gate = Gate(self.key, self.settings)

    def state(self) -> GateState:
        """Return what was asked so far."""
        with self._archive.database.read() as connection:
            return self._state(connection)

    def exhausted(self) -> bool:
        """Return whether the gate answers no more new questions."""
        return self._gate.exhausted(self.state())

    def answered(self, candidate_id: str) -> GateAnswer | None:
        """Return what was answered for a design, None where it was never asked about."""
        with self._archive.database.read() as connection:
            return self._known(connection, candidate_id)

    def ask(self, question: Question) -> GateAnswer:
        """Return the answer to a question; it is a row before it is returned, unless the gate is exhausted."""
        for _ in range(ATTEMPTS - 1):
            try:
                return self._asked(question)
            except IntegrityError:
                continue
        return self._asked(question)

    def _asked(self, question: Question) -> GateAnswer:
        with self._archive.database.write() as connection:
            known = self._known(connection, question.candidate_id)
            if known is not None:
                return known
            state = self._state(connection)
            answer, _ = self._gate.ask(state, question.train, question.validation)
            if answer.gain is not None:
                connection.execute(
                    insert(GateQuery).values(
                        gate=self.key,
                        number=state.queries,
                        disagreements=state.disagreements,
                        run_id=question.run_id,
                        candidate_id=question.candidate_id,
                        source=answer.source,
                        gain=answer.gain,
                        margin=answer.margin,
                        settings=self.settings.model_dump(),
                        asked_at=self._archive.now(),
                    )
                )
        return answer

    def _state(self, connection: Connection) -> GateState:
        counts = select(func.count(), func.count().filter(GateQuery.source == "validation"))
        queries, disagreements = connection.execute(counts.where(GateQuery.gate == self.key)).one()
        return GateState(queries, disagreements)

    def _known(self, connection: Connection, candidate_id: str) -> GateAnswer | None:
        columns = (GateQuery.gain, GateQuery.source, GateQuery.margin)
        mine = select(*columns).where(GateQuery.gate == self.key, GateQuery.candidate_id == candidate_id)
        row = connection.execute(mine.order_by(GateQuery.number).limit(1)).first()
        if row is None:
            return None
        return GateAnswer(row.gain, "train" if row.source == "train" else "validation", row.margin)
