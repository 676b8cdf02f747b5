"""The evaluator of plans: a sealed worker with numpy that answers one call with arrays."""

import hashlib
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from .._contract import Candidate
from .._errors import CandidateFault, ProblemError
from .._plan import Arrays, Plan, PlanInterface, PlanProbe
from .._plan_boundary import InlinePlan, open_plan
from .._problem import Problem
from .._screen import screen
from . import Place, Session

PROBE_CALLS = 3
"""Calls that a recorded probe keeps: the first ones of the first train workload."""


class PlanEvaluator:
    """Judges plans; see ``Evaluator``."""

    def screen(self, problem: Problem[Plan], candidate: Candidate) -> CandidateFault | None:
        """Check that the source parses and defines the function."""
        return screen(candidate, problem.interface, problem.limits)

    def open(self, problem: Problem[Plan], candidate: Candidate, place: Place) -> Session[Plan]:
        """Start a worker and load the candidate in it."""
        plan = open_plan(candidate, _interface(problem), place.limits, place.sandbox, place.cpu)
        return Session(plan, lambda: plan.cost, plan.close)

    def inline(self, problem: Problem[Plan], candidate: Candidate) -> Plan:
        """Return trusted code as a plan in this process."""
        return InlinePlan(candidate.source, _interface(problem))

    def behaviour(self, problem: Problem[Plan], subject: Plan) -> str | None:
        """Return the digest of the probe's answers, rounded to nine digits."""
        probe = problem.probe()
        if not isinstance(probe, PlanProbe) or not probe.calls:
            return None
        digest = hashlib.blake2b(digest_size=16)
        for call in probe.calls:
            for name, values in subject(**call).items():
                digest.update(name.encode())
                rounded = [float(f"{value:.9g}") for value in values.ravel().tolist()]
                digest.update(np.array(rounded, dtype="<f8").tobytes())
        return digest.hexdigest()

    def recorded_probe(self, problem: Problem[Plan]) -> PlanProbe:
        """Return what the seed is asked on the first train workload."""
        if problem not in _recorded:
            recorder = _Recorder(self.inline(problem, problem.seed()))
            problem.measure(recorder, problem.workloads("train")[0])
            _recorded[problem] = PlanProbe(calls=tuple(recorder.calls))
        return _recorded[problem]


_recorded: WeakKeyDictionary[Problem[Plan], PlanProbe] = WeakKeyDictionary()


def _interface(problem: Problem[Plan]) -> PlanInterface:
    if not isinstance(problem.interface, PlanInterface):
        raise ProblemError(f"{problem.name}: expected a plan problem, its kind is {problem.kind}")
    return problem.interface


class _Recorder:
    """Writes down what a plan is asked. Implements ``Plan``."""

    def __init__(self, inner: Plan):
        self.calls: list[dict[str, Any]] = []
        self._inner = inner

    def __call__(self, **inputs: Any) -> Arrays:
        if len(self.calls) < PROBE_CALLS:
            self.calls.append({name: np.asarray(value).tolist() for name, value in inputs.items()})
        return self._inner(**inputs)
