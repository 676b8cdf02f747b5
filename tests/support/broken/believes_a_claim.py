"""Broken on purpose: the candidate also answers how long each job will take, and the score is what it says."""

from collections.abc import Mapping, Sequence

from speciate.evaluators import (
    Answer,
    Argument,
    Baseline,
    Candidate,
    Hook,
    Measurement,
    Policy,
    PolicyInterface,
    Workload,
)
from support.lanes import INTERFACE, JOB, Lanes

CLAIM = Hook(
    name="duration",
    arguments=(Argument(name="job", record=JOB),),
    answer=Answer(kind="number", low=0.0),
    about="How long the job will take, s.",
)
HONEST = "\n\ndef duration(job):\n    return job.size\n"


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


def with_claim(candidate: Candidate) -> Candidate:
    return Candidate.from_source(candidate.source + HONEST)


class Broken(Lanes):
    """Lanes with a waiting time that is measured and a service time that is taken on trust."""

    name = "believes-a-claim"
    interface = PolicyInterface(hooks=(*INTERFACE.hooks, CLAIM))

    def seed(self) -> Candidate:
        return with_claim(super().seed())

    def baselines(self) -> Sequence[Baseline]:
        return [b.model_copy(update={"candidate": with_claim(b.candidate)}) for b in super().baselines()]

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        word = super().measure(policy, workload)
        claims = policy.hook("duration")
        claimed = sum(claims([1.0 + index % 3, 0.0]) for index in range(30)) / 30
        return word.model_copy(update={"objective": word.objective + claimed})
