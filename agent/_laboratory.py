"""Experiments: one design on one train workload, judged in the sandbox like any candidate, for whoever invents.

An experiment is a row before anybody is told of it, and is paid from the budget of evaluations
(``_evaluation_budget``): a ticket is issued with the number that it may make.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from speciate.evaluators import Candidate, Evaluation, Measurement, SpeciateError, Status

from ._archive import Archive
from ._evaluation_budget import ALLOWED
from ._judging import Judge
from ._records import EvaluationRecord, TicketRecord

EXPERIMENT = "experiment"
"""Purpose of the rows of ``evaluations``."""
_ON = "workload:"
"""Begins the label that names an experiment's workload: a judging that failed has no measurement to name it."""


class Finding(NamedTuple):
    """What is known of a design on one workload."""

    workload: str
    status: Status
    measurement: Measurement | None
    """None unless the design finished the workload."""
    detail: str = ""
    """Of a failure. Untrusted text."""


@dataclass
class Laboratory:
    """The experiments of one ticket.

    What was measured before is not measured again: by this ticket, by the search, or by an experiment of a ticket
    that was committed when this one was issued. So the answers depend on nothing that is still in flight.
    """

    archive: Archive
    run_id: str
    ticket: TicketRecord
    judge: Judge
    workloads: tuple[str, ...]
    """Names of the train workloads: there are no others here."""
    _own: list[EvaluationRecord] | None = field(default=None, init=False)

    @property
    def left(self) -> int:
        """How many experiments this ticket may still make."""
        return int(self.ticket.draw.extra.get(ALLOWED, 0)) - len(self._made())

    def known(self, candidate: Candidate, workload: str) -> Finding | None:
        """Return what was found of a design on a train workload, None where that was not measured."""
        for record in self._made():
            if record.evaluation.candidate == candidate.id and _workload(record) == workload:
                return _finding(record, workload)
        for record in self.archive.evaluations(self.run_id, candidate_id=candidate.id, split="train"):
            if record.ticket is None or record.ticket >= self.ticket.visible or record.repetition:
                continue
            searched = record.purpose == "search" and _told(record.evaluation, workload)
            tried = record.purpose == EXPERIMENT and _workload(record) == workload
            if searched or (tried and record.evaluation.status is not Status.SANDBOX_ERROR):
                return _finding(record, workload)
        return None

    async def run(self, candidate: Candidate, workload: str) -> Finding | None:
        """Return what is found of a design on a train workload; None where it is unknown and no experiment is left.

        One experiment at a time: their order is part of the record. Raises SpeciateError for another workload.
        """
        if workload not in self.workloads:
            raise SpeciateError(f"expected a train workload ({', '.join(self.workloads)}), got {workload!r}")
        known = self.known(candidate, workload)
        if known is not None or self.left <= 0:
            return known
        made = self._made()
        word = await self.judge(candidate, None, only=(workload,))
        word = word.model_copy(update={"labels": (*word.labels, f"{_ON}{workload}")})
        self.archive.store_evaluation(self.run_id, word, EXPERIMENT, self.ticket.number, len(made))
        self._own = None
        return _finding(self._made()[-1], workload)

    def _made(self) -> list[EvaluationRecord]:
        if self._own is None:
            self._own = self.archive.experiments_of(self.run_id, self.ticket.number)
        return self._own


def _workload(record: EvaluationRecord) -> str | None:
    named = (label.removeprefix(_ON) for label in record.evaluation.labels if label.startswith(_ON))
    return next(named, None)


def _measured(evaluation: Evaluation, workload: str) -> Measurement | None:
    return next((each for each in evaluation.measurements if each.workload == workload), None)


def _told(evaluation: Evaluation, workload: str) -> bool:
    """Whether the search's word tells of a workload: of a cheat's, nothing that was measured can be believed."""
    return evaluation.status is Status.CHEATED or _measured(evaluation, workload) is not None


def _finding(record: EvaluationRecord, workload: str) -> Finding:
    word = record.evaluation
    if record.purpose == EXPERIMENT or word.status is Status.CHEATED:
        measured = _measured(word, workload) if word.status is Status.OK else None
        return Finding(workload, word.status, measured, word.detail)
    return Finding(workload, Status.OK, _measured(word, workload))
