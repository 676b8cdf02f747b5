"""The evaluator of policies: a sealed worker that answers one decision at a time."""

import hashlib
import struct
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from .._boundary import open_policy
from .._contract import Candidate
from .._errors import CandidateFault, ProblemError
from .._inline import InlinePolicy
from .._interface import PolicyInterface
from .._policy import Policy, PolicyProbe, ProbeCall
from .._problem import Problem
from .._screen import screen
from . import Place, Session

PROBE_CALLS = 300
"""Observations that a recorded probe keeps, spread evenly over the first train workload."""


class PolicyEvaluator:
    """Judges policies; see ``Evaluator``."""

    def screen(self, problem: Problem[Policy], candidate: Candidate) -> CandidateFault | None:
        """Check that the source parses and defines every hook."""
        return screen(candidate, policy_interface(problem), problem.limits)

    def open(self, problem: Problem[Policy], candidate: Candidate, place: Place) -> Session[Policy]:
        """Start a worker for the candidate. None of its code has run yet."""
        policy = open_policy(candidate, policy_interface(problem), place.limits, place.sandbox, cpu=place.cpu)
        return Session(policy, lambda: policy.cost, policy.close)

    def inline(self, problem: Problem[Policy], candidate: Candidate) -> Policy:
        """Return trusted code as a policy in this process."""
        return InlinePolicy(candidate.source, policy_interface(problem))

    def behaviour(self, problem: Problem[Policy], subject: Policy) -> str | None:
        """Return the digest of the probe's answers, rounded to nine digits."""
        probe = problem.probe()
        return behaviour_hash(subject, probe) if isinstance(probe, PolicyProbe) and probe.calls else None

    def recorded_probe(self, problem: Problem[Policy]) -> PolicyProbe:
        """Return what the seed is asked on the first train workload."""
        if problem not in _recorded:
            _recorded[problem] = _record(self, problem)
        return _recorded[problem]


_recorded: WeakKeyDictionary[Problem[Policy], PolicyProbe] = WeakKeyDictionary()


def policy_interface(problem: Problem[Policy]) -> PolicyInterface:
    """Return the problem's interface. Raises ProblemError where it is not one of a policy."""
    if not isinstance(problem.interface, PolicyInterface):
        raise ProblemError(f"{problem.name}: expected a policy problem, its kind is {problem.kind}")
    return problem.interface


def policy_probe(problem: Problem[Policy]) -> PolicyProbe:
    """Return the problem's own probe, or the recorded one where it switched rung 2 off."""
    probe = problem.probe()
    return probe if isinstance(probe, PolicyProbe) else PolicyEvaluator().recorded_probe(problem)


def behaviour_hash(policy: Policy, probe: PolicyProbe) -> str:
    """Return a digest of the answers to the probe: designs that decide alike there share it.

    Answers are rounded to nine digits, so that one formula written two ways is one behaviour.
    """
    policy.begin(probe.rows)
    hooks = {call.hook: policy.hook(call.hook) for call in probe.calls}
    answers = [float(f"{hooks[call.hook](call.values):.9g}") for call in probe.calls]
    return hashlib.blake2b(struct.pack(f"<{len(answers)}d", *answers), digest_size=16).hexdigest()


def _record(evaluator: PolicyEvaluator, problem: Problem[Policy]) -> PolicyProbe:
    recorder = _Recorder(evaluator.inline(problem, problem.seed()))
    problem.measure(recorder, problem.workloads("train")[0])
    stride = max(1, len(recorder.calls) // PROBE_CALLS)
    return PolicyProbe(rows=recorder.rows, calls=tuple(recorder.calls[::stride][:PROBE_CALLS]))


class _Recorder:
    """Writes down what a policy is asked in its first workload. Implements ``Policy``."""

    def __init__(self, inner: Policy):
        self.calls: list[ProbeCall] = []
        self.rows = 0
        self._inner = inner
        self._begun = 0

    def begin(self, rows: int) -> None:
        """Start a workload; only the first is recorded."""
        self._begun += 1
        self.rows = self.rows if self._begun > 1 else rows
        self._inner.begin(rows)

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        """Return the inner call, recorded."""
        inner = self._inner.hook(name)
        if self._begun > 1:
            return inner

        def call(values: Sequence[float]) -> float:
            self.calls.append(ProbeCall(name, tuple(map(float, values))))
            return inner(values)

        return call
