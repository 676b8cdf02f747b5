"""The judging ladder: cheap rungs first, and a candidate stops at the first one it fails.

Rungs built here: 1 (parse, interface, size, source seen before), 2 (probe, behaviour seen before), 3 and 4
(the workloads of a split, stopped at the first fault). Rungs 5 and 7 are the same judging on the
validation and held-out splits; who may open those, and when, is the caller's business.
The ladder is the same for every kind of problem; what differs is in ``kinds``.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ._contract import (
    Candidate,
    Censored,
    Cost,
    Evaluation,
    Frozen,
    Measurement,
    Split,
    Status,
    Workload,
    repeatable,
)
from ._errors import CandidateFault, SandboxError
from ._problem import EvaluationCache, Problem, ProblemRef
from ._racing import Incumbents, Race
from ._registry import problem_of
from .kinds import Place, Session, evaluator_of
from .sandbox import sandbox_named

START_ATTEMPTS = 3
"""How often a judging that our own sandbox spoiled is begun before ``sandbox_error`` is recorded."""

REJUDGED_SHARE = 16
"""One in this many behavioural duplicates is judged all the same, so that a collision would be noticed."""

REJUDGED_SAME = "rejudged:agrees"
"""Label of such a one whose score and measurements are those of the design it decides like, to the bit."""
REJUDGED_OTHER = "rejudged:differs"
TOLD_APART = "told-apart"
"""Label of one that answers the probe as a known design does, and measures otherwise on the workload drawn for it."""
REJUDGED_NOISY = "rejudged:noisy"
"""Label where no two judgings give the same figures, so that there is nothing to compare to the bit."""

BOUND_SLACK = 1e-9
"""Relative rounding room before an objective beyond the proven bound raises the alarm."""


class JudgeTask(Frozen):
    """One judging, as data that can be sent to another process."""

    problem: ProblemRef
    candidate: Candidate
    split: Split = "train"
    sandbox: str | None = None
    """Name of the sandbox; None for the best one on this machine."""
    repetition: int = 0
    """Which measuring it is, where the problem is noisy."""
    only: tuple[str, ...] = ()
    """Names of the workloads to judge, in this order; empty for all of the split. No cache is asked for a part."""
    racing: bool = False
    """Whether a candidate that looks hopeless part way through the train workloads is given up."""


def judge(task: JudgeTask, cache: EvaluationCache | None = None, cpu: int | None = None) -> Evaluation:
    """Return the judge's word on ``task.candidate``; faults of the candidate are statuses, not exceptions.

    ``cache`` is asked for duplicates on the train split only. ``cpu`` is the core the candidate is pinned to.
    Raises SandboxUnavailableError where the sandbox cannot be had at all, and ProblemError.
    """
    problem = problem_of(task.problem)
    cache = None if task.only else cache
    unfit = evaluator_of(problem.kind).screen(problem, task.candidate)
    if unfit is not None:
        return _failed(task, unfit, Cost())
    known = cache.by_source(task.candidate.id) if cache and task.split == "train" else None
    if known is not None:
        return _reused(task, known, known.decision_hash, Cost())
    limits = problem.limits.for_workloads(len(problem.workloads(task.split)))
    place = Place(limits, sandbox_named(task.sandbox), cpu)
    trouble = ""
    for _ in range(START_ATTEMPTS):
        try:
            return _judge_in(problem, task, cache, place)
        except SandboxError as error:
            trouble = str(error)
    fault = CandidateFault(Status.SANDBOX_ERROR, f"the sandbox failed {START_ATTEMPTS} times: {trouble}")
    return _failed(task, fault, Cost(), sandbox=place.sandbox.name)


def judge_inline(
    problem: Problem[Any], candidate: Candidate, split: Split = "train", repetition: int = 0
) -> Evaluation:
    """Judge *trusted* code (a problem's own baseline) in this process: same world, same answers, no boundary."""
    task = JudgeTask(
        problem=ProblemRef(name=problem.name), candidate=candidate, split=split, repetition=repetition
    )
    measured: list[Measurement] = []
    try:
        subject = evaluator_of(problem.kind).inline(problem, candidate)
        for workload in _workloads(problem, task):
            measured.append(problem.measure(subject, workload))
            _check_bound(problem, workload, measured[-1])
    except CandidateFault as fault:
        return _failed(task, fault, Cost(), sandbox="inline", measurements=tuple(measured))
    return _finished(problem, task, measured, sandbox="inline")


def _judge_in(problem: Problem[Any], task: JudgeTask, cache: EvaluationCache | None, place: Place) -> Evaluation:
    """Run rungs 2 to 4 in one fresh sandbox."""
    clock, evaluator = _Clock(), evaluator_of(problem.kind)
    measured: list[Measurement] = []
    decision_hash: str | None = None
    known: Evaluation | None = None
    apart: tuple[str, ...] = ()
    race: Race | None = None
    workload = ""
    try:
        session = evaluator.open(problem, task.candidate, place)
    except CandidateFault as fault:
        return _failed(task, fault, Cost(), sandbox=place.sandbox.name)
    with session:
        try:
            decision_hash = evaluator.behaviour(problem, session.subject)
            twin = _seen_before(task, cache, decision_hash)
            workloads = _workloads(problem, task)
            if twin is not None:
                drawn = _drawn(workloads, task.candidate, twin)
                workload, apart = drawn.name, (TOLD_APART,)
                if problem.noisy or _same(problem.measure(session.subject, drawn), twin):
                    if not _sampled(task.candidate):
                        return _reused(task, twin, decision_hash, clock.lap(session))
                    known, apart = twin, ()
            if task.racing and task.split == "train" and known is None and isinstance(cache, Incumbents):
                race = Race(problem, task.candidate, cache, len(workloads))
            for instance in workloads:
                workload = instance.name
                word = problem.measure(session.subject, instance)
                measured.append(word.model_copy(update={"cost": clock.lap(session)}))
                _check_bound(problem, instance, word)
                if race is not None:
                    race.check(measured)
        except CandidateFault as fault:
            spent = sum((m.cost for m in measured), clock.lap(session))
            told: dict[str, Any] = {"measurements": tuple(measured), "decision_hash": decision_hash}
            told |= {"labels": (*session.labels, *apart), "sandbox": place.sandbox.name}
            failed = _failed(task, fault, spent, workload, **told)
            return _compared(problem, failed, known)
    labels = (*session.labels, *apart, *(race.labels if race else ()))
    finished = _finished(
        problem, task, measured, decision_hash=decision_hash, sandbox=place.sandbox.name, labels=labels
    )
    return _compared(problem, finished, known)


def _workloads(problem: Problem[Any], task: JudgeTask) -> Sequence[Workload]:
    """Return the task's workloads as of its repetition."""
    found = problem.workloads(task.split)
    if task.only:
        by_name = {workload.name: workload for workload in found}
        found = [by_name[name] for name in task.only]
    return [w.model_copy(update={"repetition": task.repetition}) for w in found] if task.repetition else found


def _check_bound(problem: Problem[Any], workload: Workload, measurement: Measurement) -> None:
    """Raise the alarm for a value beyond the proven bound. The measurement stays in the word: it is the evidence."""
    bound = problem.bound(workload)
    if bound is not None and _beyond(measurement.objective, bound, problem.objective.direction):
        raise CandidateFault(
            Status.CHEATED,
            f"{workload.name}: {problem.objective.name} {measurement.objective:.6g} {problem.objective.unit} is better "
            f"than the proven bound {bound:.6g}; either the judge was fooled or the bound is wrong",
        )


def _beyond(objective: float, bound: float, direction: str) -> bool:
    slack = BOUND_SLACK * max(1.0, abs(bound))
    return objective < bound - slack if direction == "minimize" else objective > bound + slack


def _finished(problem: Problem[Any], task: JudgeTask, measured: Sequence[Measurement], **told: Any) -> Evaluation:
    score = problem.score(measured)
    if not math.isfinite(score):
        raise ArithmeticError(f"{problem.name}: expected a finite score over {len(measured)} measurements, got {score}")
    return Evaluation(
        candidate=task.candidate.id,
        split=task.split,
        status=Status.OK,
        score=score,
        descriptors=problem.describe(measured),
        measurements=tuple(measured),
        cost=sum((m.cost for m in measured), Cost()),
        **told,
    )


def _seen_before(task: JudgeTask, cache: EvaluationCache | None, decision_hash: str | None) -> Evaluation | None:
    if cache is None or task.split != "train" or decision_hash is None:
        return None
    return cache.by_decisions(decision_hash)


def _sampled(candidate: Candidate) -> bool:
    """Whether the candidate is of the sample that is judged although its behaviour is known."""
    return int(candidate.id[:8], 16) % REJUDGED_SHARE == 0


def _drawn(workloads: Sequence[Workload], candidate: Candidate, known: Evaluation) -> Workload:
    """Return the workload on which a behavioural duplicate must give what the known design gave.

    The probe can be recognised, and answered as some other design would: to be taken for an elite, or to be there
    first and lend a bad score to a design that is yet to come. Which workload is compared, neither can foresee.
    """
    return workloads[(int(candidate.id[:8], 16) ^ int(known.candidate[:8], 16)) % len(workloads)]


def _same(measurement: Measurement, known: Evaluation) -> bool:
    return _measured(measurement) in [_measured(each) for each in known.measurements]


def _compared(problem: Problem[Any], word: Evaluation, known: Evaluation | None) -> Evaluation:
    """Return the word on a behavioural duplicate that was judged all the same, labelled with how it compares."""
    if known is None:
        return word
    label = REJUDGED_NOISY if problem.noisy else REJUDGED_SAME if _figures(word) == _figures(known) else REJUDGED_OTHER
    return word.model_copy(update={"duplicate_of": known.candidate, "labels": (*word.labels, label)})


def _figures(word: Evaluation) -> tuple[object, ...]:
    """Return all that was measured, by its bits: a metric that is not a number equals itself."""
    parts = [_measured(m) for m in word.measurements]
    return word.status, None if word.score is None else word.score.hex(), _bits(word.descriptors), parts


def _measured(m: Measurement) -> tuple[object, ...]:
    return m.workload, m.objective.hex(), _bits(repeatable(m.metrics)), _bits(m.descriptors)


def _bits(values: Mapping[str, float]) -> dict[str, str]:
    return {name: value.hex() for name, value in values.items()}


def _reused(task: JudgeTask, known: Evaluation, decision_hash: str | None, cost: Cost) -> Evaluation:
    return known.model_copy(
        update={
            "candidate": task.candidate.id,
            "status": Status.DUPLICATE,
            "duplicate_of": known.candidate,
            "decision_hash": decision_hash,
            "detail": f"decides as {known.candidate[:8]} does ({known.status}); its evaluation is reused",
            "cost": cost,
        }
    )


def _failed(task: JudgeTask, fault: CandidateFault, cost: Cost, workload: str = "", **told: Any) -> Evaluation:
    censored = None
    if fault.status is Status.TIMEOUT and fault.limit:
        censored = Censored(workload=workload, limit=fault.limit, after_s=fault.after_s)
    return Evaluation(
        candidate=task.candidate.id,
        split=task.split,
        status=fault.status,
        detail=fault.detail,
        censored=censored,
        cost=cost,
        **told,
    )


class _Clock:
    """Meters what a judging costs. Costs are bookkeeping: nothing is decided by them."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._wall = time.perf_counter()
        self._their_cpu = 0.0
        self._decisions = 0

    def lap(self, session: Session[Any]) -> Cost:
        """Return the cost since the last lap: this process and the candidate's."""
        cpu, wall, theirs = time.process_time(), time.perf_counter(), session.cost
        spent = Cost(
            cpu_s=cpu - self._cpu + theirs.cpu_s - self._their_cpu,
            wall_s=wall - self._wall,
            decisions=theirs.decisions - self._decisions,
        )
        self._cpu, self._wall, self._their_cpu, self._decisions = cpu, wall, theirs.cpu_s, theirs.decisions
        return spent
