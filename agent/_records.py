"""What the archive's reads return, and how rows become the contract's models."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from speciate.evaluators import (
    Candidate,
    Censored,
    Cost,
    Evaluation,
    Measurement,
    ProblemRef,
    SourceFile,
    Split,
    Status,
)
from sqlalchemy import RowMapping

from ._grid import InsertionResult
from ._proposer import NO_REASONS, Draw, Reasons
from ._settings import RunSettings

NO_CANDIDATE = "no_candidate"
"""Outcome of a ticket whose proposer gave nothing usable; every other outcome is an evaluation status."""
STARTER = "seed"
"""Operator of the tickets of designs that a run begins with."""
UNCOUNTED = (NO_CANDIDATE, Status.DUPLICATE.value)
"""Outcomes that are not an evaluation of the budget."""


class RunRecord(NamedTuple):
    """One run as it stands."""

    id: str
    problem: ProblemRef
    problem_version: str
    seed: int
    settings: RunSettings
    environment: Mapping[str, str]
    state: str
    """``running``, ``finished`` or ``stopped``."""
    reason: str
    control_of: str | None
    created_at: float
    finished_at: float | None
    elapsed_s: float
    champion: str | None


class TicketRecord(NamedTuple):
    """One candidate's place in a run."""

    number: int
    visible: int
    proposer: str
    draw: Draw
    outcome: str | None
    """None until committed."""
    note: str
    issued_at: float
    committed_at: float | None
    agent_cpu_s: float


class CandidateRecord(NamedTuple):
    """One text a ticket produced."""

    ticket: int
    turn: int
    candidate: Candidate
    idea: str
    reasons: Reasons = NO_REASONS


class EvaluationRecord(NamedTuple):
    """One word of the judge, and whom it was for."""

    id: int
    ticket: int | None
    turn: int | None
    purpose: str
    evaluation: Evaluation
    created_at: float
    repetition: int = 0
    """Which measuring of this candidate on this split it is."""


class InsertionRecord(NamedTuple):
    """One line of the archive's log."""

    ticket: int
    cell: int
    score: float
    """Minimised: a problem that maximises has it negated."""
    result: InsertionResult
    replaced: int | None
    repetitions: int = 0
    """Fresh repetitions that candidate and holder were given, where the problem is noisy."""
    decided: bool | None = None
    """Whether the interval decided between the two; None where nobody held the niche or nothing was repeated."""
    holder_score: float | None = None
    """Of the former holder after its fresh repetitions."""
    further: tuple[float, ...] = ()
    """Further objectives, minimised; empty where there are none."""


class EliteRecord(NamedTuple):
    """The holder of a niche, with what a table or a map shows of it."""

    ticket: int
    cell: int
    candidate_id: str
    score: float
    """In the problem's own direction and unit."""
    descriptors: Mapping[str, float]
    operator: str


class ProgressPoint(NamedTuple):
    """The run after one commit."""

    commits: int
    evaluations: int
    """Commits that were neither duplicate nor without candidate."""
    best: float | None
    """Best score so far, in the problem's own direction; None before the first ``ok``."""
    niches: int
    """Cells held."""
    committed_at: float | None


class OperatorRecord(NamedTuple):
    """What one operator of one proposer achieved in a run."""

    proposer: str
    operator: str
    tickets: int
    ok: int
    new: int
    improved: int


class OpeningRecord(NamedTuple):
    """One opening of workloads that do not steer the search."""

    split: str
    candidates: Sequence[str]
    reason: str
    opened_at: float


def insertion_record(row: RowMapping) -> InsertionRecord:
    """Return the record of a row of ``insertions``."""
    return InsertionRecord(**{**row, "further": tuple(row["further"] or ())})


def run_record(row: RowMapping) -> RunRecord:
    """Return the record of a row of ``runs``."""
    return RunRecord(
        id=row["id"],
        problem=ProblemRef(name=row["problem"], options=row["problem_options"]),
        problem_version=row["problem_version"],
        seed=row["seed"],
        settings=RunSettings.model_validate(row["settings"]),
        environment=row["environment"],
        state=row["state"],
        reason=row["reason"],
        control_of=row["control_of"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        elapsed_s=row["elapsed_s"],
        champion=row["champion"],
    )


def ticket_record(row: RowMapping) -> TicketRecord:
    """Return the record of a row of ``tickets``."""
    extra = dict(row["draw"])
    seed = extra.pop("seed")
    parents = tuple(row["parents"])
    draw = Draw(row["operator"], parents, seed, row["model"], row["variant"], row["island"], extra)
    return TicketRecord(
        row["number"],
        row["visible"],
        row["proposer"],
        draw,
        row["outcome"],
        row["note"],
        row["issued_at"],
        row["committed_at"],
        row["agent_cpu_s"],
    )


def candidate_record(row: RowMapping) -> CandidateRecord:
    """Return the record of a row of ``candidates`` joined with ``sources``."""
    candidate = Candidate(
        files=tuple(SourceFile.model_validate(file) for file in row["files"]),
        language=row["language"],
        parents=tuple(row["parents"]),
        operator=row["operator"],
        proposer=row["proposer"],
    )
    reasons = Reasons(*(row[name] for name in Reasons._fields))
    return CandidateRecord(row["ticket"], row["turn"], candidate, row["idea"], reasons)


def evaluation_record(row: RowMapping, measurements: Sequence[RowMapping]) -> EvaluationRecord:
    """Return the record of a row of ``evaluations`` and its rows of ``measurements`` in order."""
    evaluation = Evaluation(
        candidate=row["candidate_id"],
        split=cast(Split, row["split"]),
        status=Status(row["status"]),
        score=row["score"],
        descriptors=row["descriptors"],
        measurements=tuple(_measurement(each) for each in measurements),
        detail=row["detail"],
        censored=Censored.model_validate(row["censored"]) if row["censored"] else None,
        decision_hash=row["decision_hash"],
        duplicate_of=row["duplicate_of"],
        labels=tuple(row["labels"]),
        sandbox=row["sandbox"],
        cost=_cost(row),
    )
    return EvaluationRecord(
        row["id"], row["ticket"], row["turn"], row["purpose"], evaluation, row["created_at"], row["repetition"]
    )


def evaluation_values(evaluation: Evaluation) -> dict[str, Any]:
    """Return the columns of ``evaluations`` that ``evaluation`` itself fills."""
    return {
        "candidate_id": evaluation.candidate,
        "split": evaluation.split,
        "status": evaluation.status.value,
        "score": evaluation.score,
        "descriptors": evaluation.descriptors,
        "detail": evaluation.detail,
        "censored": evaluation.censored.model_dump() if evaluation.censored else None,
        "decision_hash": evaluation.decision_hash,
        "duplicate_of": evaluation.duplicate_of,
        "labels": list(evaluation.labels),
        "sandbox": evaluation.sandbox,
        **evaluation.cost.model_dump(),
    }


def measurement_values(evaluation_id: int, position: int, measurement: Measurement) -> dict[str, Any]:
    """Return the columns of one row of ``measurements``."""
    return {
        "evaluation_id": evaluation_id,
        "position": position,
        "workload": measurement.workload,
        "objective": measurement.objective,
        "metrics": measurement.metrics,
        "descriptors": measurement.descriptors,
        "feedback": measurement.feedback,
        "trace": list(measurement.trace) or None,
        **measurement.cost.model_dump(),
    }


def _measurement(row: RowMapping) -> Measurement:
    return Measurement(
        workload=row["workload"],
        objective=row["objective"],
        metrics=row["metrics"],
        descriptors=row["descriptors"],
        feedback=row["feedback"],
        trace=tuple(row["trace"] or ()),
        cost=_cost(row),
    )


def _cost(row: RowMapping) -> Cost:
    return Cost(cpu_s=row["cpu_s"], wall_s=row["wall_s"], decisions=row["decisions"])
