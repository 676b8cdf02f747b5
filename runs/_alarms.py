"""Alarms: evaluations whose value passes the problem's proven bound, or that tripped a guard. Kept as evidence."""

from typing import Any

from speciate.agent import EXPERIMENT, Archive, EvaluationRecord, RunRecord
from speciate.evaluators import Frozen, Problem, Status


class Alarm(Frozen):
    """One evaluation that is too good to be true. It holds no niche and has no score."""

    run_id: str
    candidate_id: str
    ticket: int | None
    split: str
    purpose: str
    workload: str
    """Where the value was measured; empty where a guard was tripped instead."""
    value: float | None = None
    """Its objective, in the problem's unit."""
    bound: float | None = None
    """The proven bound on that workload, where the problem could be asked."""
    detail: str
    """The judge's own words."""

    @property
    def words(self) -> str:
        """The alarm in a line."""
        draft = f", a draft of ticket {self.ticket}" if self.purpose == EXPERIMENT else ""
        return f"{self.candidate_id[:12]} on {self.split}{draft}: {self.detail}"


def alarms_of(archive: Archive, run: RunRecord, problem: Problem[Any] | None = None) -> tuple[Alarm, ...]:
    """Return the alarms of a run in the order of judging; with ``problem`` each tells the bound that was passed."""
    found = archive.evaluations(run.id, status=Status.CHEATED)
    return tuple(_alarm(run.id, record, problem) for record in found)


def _alarm(run_id: str, record: EvaluationRecord, problem: Problem[Any] | None) -> Alarm:
    word = record.evaluation
    last = word.measurements[-1] if word.measurements else None
    if last is not None and not word.detail.startswith(f"{last.workload}: "):
        last = None  # A guard was tripped after it.
    return Alarm(
        run_id=run_id,
        candidate_id=word.candidate,
        ticket=record.ticket,
        split=word.split,
        purpose=record.purpose,
        workload=last.workload if last else "",
        value=last.objective if last else None,
        bound=_bound(problem, word.split, last.workload) if problem and last else None,
        detail=word.detail,
    )


def _bound(problem: Problem[Any], split: Any, name: str) -> float | None:
    workload = next((each for each in problem.workloads(split) if each.name == name), None)
    return problem.bound(workload) if workload is not None else None
