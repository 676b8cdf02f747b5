"""The judging ladder: cheap rungs first, and a candidate stops at the first one it fails.

Rungs built here: 1 (parse, interface, size, source seen before), 2 (probe, behaviour seen before), 3 and 4
(the workloads of a split, stopped at the first fault). Rungs 5 and 7 are the same judging on the
validation and held-out splits; who may open those, and when, is the caller's business.
"""

import hashlib
import math
import struct
import time
from collections.abc import Sequence

from ._boundary import SandboxedPolicy, open_policy
from ._contract import Candidate, Cost, Evaluation, Frozen, Measurement, Split, Status, Workload
from ._errors import CandidateFault, SandboxError
from ._inline import InlinePolicy
from ._problem import EvaluationCache, Policy, Probe, Problem, ProblemRef
from ._registry import problem_of
from ._screen import screen
from .sandbox import Sandbox, sandbox_named

START_ATTEMPTS = 3
"""How often a judging that our own sandbox spoiled is begun before ``sandbox_error`` is recorded."""

REJUDGED_SHARE = 16
"""One in this many behavioural duplicates is judged all the same, so that a collision would be noticed."""

BOUND_SLACK = 1e-9
"""Relative rounding room before an objective beyond the proven bound raises the alarm."""


class JudgeTask(Frozen):
    """One judging, as data that can be sent to another process."""

    problem: ProblemRef
    candidate: Candidate
    split: Split = "train"
    sandbox: str | None = None
    """Name of the sandbox; None for the best one on this machine."""


def judge(task: JudgeTask, cache: EvaluationCache | None = None, cpu: int | None = None) -> Evaluation:
    """Return the judge's word on ``task.candidate``; faults of the candidate are statuses, not exceptions.

    ``cache`` is asked for duplicates on the train split only. ``cpu`` is the core the candidate is pinned to.
    Raises SandboxUnavailableError where the sandbox cannot be had at all, and ProblemError.
    """
    problem = problem_of(task.problem)
    unfit = screen(task.candidate, problem.interface, problem.limits)
    if unfit is not None:
        return _failed(task, unfit, Cost())
    known = cache.by_source(task.candidate.id) if cache and task.split == "train" else None
    if known is not None:
        return _reused(task, known, known.decision_hash, Cost())
    sandbox = sandbox_named(task.sandbox)
    trouble = ""
    for _ in range(START_ATTEMPTS):
        try:
            return _judge_in(problem, task, cache, sandbox, cpu)
        except SandboxError as error:
            trouble = str(error)
    fault = CandidateFault(Status.SANDBOX_ERROR, f"the sandbox failed {START_ATTEMPTS} times: {trouble}")
    return _failed(task, fault, Cost(), sandbox.name)


def judge_inline(problem: Problem, candidate: Candidate, split: Split = "train") -> Evaluation:
    """Judge *trusted* code (a problem's own baseline) in this process: same world, same answers, no boundary."""
    task = JudgeTask(problem=ProblemRef(name=problem.name), candidate=candidate, split=split)
    try:
        policy = InlinePolicy(candidate.source, problem.interface)
        measured = [problem.measure(policy, workload) for workload in problem.workloads(split)]
    except CandidateFault as fault:
        return _failed(task, fault, Cost())
    return _finished(problem, task, measured, None, "inline")


def _judge_in(
    problem: Problem, task: JudgeTask, cache: EvaluationCache | None, sandbox: Sandbox, cpu: int | None
) -> Evaluation:
    """Run rungs 2 to 4 in one fresh sandbox."""
    clock = _Clock()
    measured: list[Measurement] = []
    decision_hash: str | None = None
    workloads = problem.workloads(task.split)
    limits = problem.limits.for_workloads(len(workloads))
    policy = open_policy(task.candidate, problem.interface, limits, sandbox, cpu=cpu)
    with policy:
        try:
            decision_hash = behaviour_hash(policy, problem.probe())
            known = _seen_before(task, cache, decision_hash)
            if known is not None:
                return _reused(task, known, decision_hash, clock.lap(policy))
            for workload in workloads:
                measured.append(_measure(problem, policy, workload, clock))
        except CandidateFault as fault:
            spent = sum((m.cost for m in measured), clock.lap(policy))
            return _failed(task, fault, spent, sandbox.name, decision_hash, tuple(measured))
    return _finished(problem, task, measured, decision_hash, sandbox.name)


def _measure(problem: Problem, policy: SandboxedPolicy, workload: Workload, clock: "_Clock") -> Measurement:
    measurement = problem.measure(policy, workload).model_copy(update={"cost": clock.lap(policy)})
    bound = problem.bound(workload)
    if bound is not None and _beyond(measurement.objective, bound, problem.objective.direction):
        raise CandidateFault(
            Status.CHEATED,
            f"{workload.name}: {problem.objective.name} {measurement.objective:.6g} {problem.objective.unit} is better "
            f"than the proven bound {bound:.6g}; either the judge was fooled or the bound is wrong",
        )
    return measurement


def _beyond(objective: float, bound: float, direction: str) -> bool:
    slack = BOUND_SLACK * max(1.0, abs(bound))
    return objective < bound - slack if direction == "minimize" else objective > bound + slack


def _finished(
    problem: Problem,
    task: JudgeTask,
    measured: Sequence[Measurement],
    decision_hash: str | None,
    sandbox: str,
) -> Evaluation:
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
        decision_hash=decision_hash,
        sandbox=sandbox,
        cost=sum((m.cost for m in measured), Cost()),
    )


def behaviour_hash(policy: Policy, probe: Probe) -> str:
    """Return a digest of the answers to the probe: designs that decide alike there share it.

    Answers are rounded to nine digits, so that one formula written two ways is one behaviour.
    """
    policy.begin(probe.rows)
    hooks = {call.hook: policy.hook(call.hook) for call in probe.calls}
    answers = [float(f"{hooks[call.hook](call.values):.9g}") for call in probe.calls]
    return hashlib.blake2b(struct.pack(f"<{len(answers)}d", *answers), digest_size=16).hexdigest()


def _seen_before(task: JudgeTask, cache: EvaluationCache | None, decision_hash: str) -> Evaluation | None:
    if cache is None or task.split != "train":
        return None
    if int(task.candidate.id[:8], 16) % REJUDGED_SHARE == 0:
        return None
    return cache.by_decisions(decision_hash)


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


def _failed(
    task: JudgeTask,
    fault: CandidateFault,
    cost: Cost,
    sandbox: str = "",
    decision_hash: str | None = None,
    measured: tuple[Measurement, ...] = (),
) -> Evaluation:
    return Evaluation(
        candidate=task.candidate.id,
        split=task.split,
        status=fault.status,
        measurements=measured,
        detail=fault.detail,
        decision_hash=decision_hash,
        sandbox=sandbox,
        cost=cost,
    )


class _Clock:
    """Meters what a judging costs. Costs are bookkeeping: nothing is decided by them."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._wall = time.perf_counter()
        self._policy_cpu = 0.0
        self._decisions = 0

    def lap(self, policy: SandboxedPolicy) -> Cost:
        """Return the cost since the last lap: this process and the candidate's."""
        cpu, wall, theirs = time.process_time(), time.perf_counter(), policy.cost
        spent = Cost(
            cpu_s=cpu - self._cpu + theirs.cpu_s - self._policy_cpu,
            wall_s=wall - self._wall,
            decisions=theirs.decisions - self._decisions,
        )
        self._cpu, self._wall, self._policy_cpu, self._decisions = cpu, wall, theirs.cpu_s, theirs.decisions
        return spent
