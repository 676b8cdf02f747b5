"""The problems that choices are measured on: cheap worlds of known landscape, and a trusted judge in this process.

Five are those of ``tests/bench/peers``: one function of a few numbers each, from a naive seed and with no human design
beside it. The sixth is the routing of ``tests/synthetic_problem`` in small: two hooks, a table, three human designs.
Scores are of 100, higher is better. Programs are the proposers' own, so no sandbox is needed.
"""

from collections.abc import Sequence
from functools import cache, lru_cache

import synthetic_problem
from landscapes import LANDSCAPES
from search_problem import Searched
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Evaluation,
    EvaluationCache,
    Incorrect,
    Measurement,
    Objective,
    Policy,
    Problem,
    Split,
    Status,
    Workload,
)
from speciate.evaluators.kinds import evaluator_of

FULL_MARKS_S = 10.0
"""Mean latency that scores 100 in ``servers``; the best human design there needs about twice as long."""


class Servers(synthetic_problem.RoutingProblem):
    """Routing to three servers, scored of 100; one train workload."""

    name = "servers"
    objective = Objective(name="score", unit="of 100", direction="maximize")

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the first workload only."""
        return super().workloads(split)[:1]

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run the world; a policy that leaves jobs waiting for ever is wrong."""
        try:
            return super().measure(policy, workload)
        except ValueError as error:
            raise Incorrect(str(error)) from error

    def score(self, measurements: Sequence[Measurement]) -> float:
        """Return what full marks are over the mean latency, of 100."""
        return 100.0 * FULL_MARKS_S / super().score(measurements)


WORLDS = (*LANDSCAPES, "servers")


@cache
def world(name: str) -> Problem[Policy]:
    """Return the problem of this name."""
    return Servers() if name == "servers" else Searched(name)


def judge(name: str, candidate: Candidate, past: EvaluationCache | None) -> Evaluation:
    """Judge a trusted candidate on the train workloads: sources and behaviours seen before are duplicates."""
    known = past.by_source(candidate.id) if past else None
    digest, word = _judged(name, candidate)
    if known is None and past is not None and digest is not None:
        known = past.by_decisions(digest)
    if known is None:
        return word
    told = {"candidate": candidate.id, "status": Status.DUPLICATE, "duplicate_of": known.candidate}
    return known.model_copy(update=told)


@lru_cache(maxsize=4096)
def _judged(name: str, candidate: Candidate) -> tuple[str | None, Evaluation]:
    """Return the hash of the answers to the probe, and the word of the judge."""
    problem = world(name)
    evaluator = evaluator_of(problem.kind)
    digest = None
    try:
        subject = evaluator.inline(problem, candidate)
        digest = evaluator.behaviour(problem, subject)
        measured = [problem.measure(subject, workload) for workload in problem.workloads("train")]
    except CandidateFault as fault:
        status, detail = fault.status, str(fault)
        return digest, Evaluation(candidate=candidate.id, split="train", status=status, detail=detail)
    return digest, Evaluation(
        candidate=candidate.id,
        split="train",
        status=Status.OK,
        score=problem.score(measured),
        descriptors=problem.describe(measured),
        measurements=tuple(measured),
        decision_hash=digest,
    )
