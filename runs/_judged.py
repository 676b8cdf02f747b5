"""What the judge has said of a design so far, read from the rows."""

import math

from speciate.agent import EXPERIMENT, Archive, EvaluationRecord
from speciate.evaluators import Split, Status

from ._real_rows import is_real

_UNFINISHED = (Status.SANDBOX_ERROR, Status.DUPLICATE)
"""Failures of ours and reused evaluations: no words of the judge on this very design."""


def judged_all(archive: Archive, run_id: str, candidate_id: str, split: Split) -> list[EvaluationRecord]:
    """Return the candidate's finished evaluations of its own on ``split``, one a repetition, in their order.

    Only where the problem is noisy there is more than one. What decided about niches, experiments on a part of
    the split, and real runs are not among them.
    """
    found: dict[int, EvaluationRecord] = {}
    for record in archive.evaluations(run_id, candidate_id=candidate_id, split=split):
        other = record.purpose in ("remeasure", EXPERIMENT) or is_real(record)
        if record.evaluation.status not in _UNFINISHED and not other:
            found.setdefault(record.repetition, record)
    return [found[repetition] for repetition in sorted(found)]


def judged_on(
    archive: Archive, run_id: str, candidate_id: str, split: Split, repetition: int = 0
) -> EvaluationRecord | None:
    """Return the candidate's first finished evaluation of its own on ``split``, if there is one."""
    found = judged_all(archive, run_id, candidate_id, split)
    return next((record for record in found if record.repetition == repetition), None)


def score_on(archive: Archive, run_id: str, candidate_id: str, split: Split) -> float | None:
    """Return the mean score over the repetitions; None where there is none, or one of them failed.

    On train, fresh repetitions stand for the first where there are any: by the first the candidate was chosen.
    """
    if split == "train":
        fresh = archive.evaluations(run_id, purpose="remeasure", candidate_id=candidate_id)
        scores = [record.evaluation.score for record in fresh if record.evaluation.status is Status.OK]
        if scores:
            return _mean(scores)
    return _mean([record.evaluation.score for record in judged_all(archive, run_id, candidate_id, split)])


def _mean(scores: list[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(scores) else None
