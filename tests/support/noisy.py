"""The routing problem with a stopwatch for a judge: every repetition adds noise that its number and the design fix."""

from functools import cache
from random import Random

from speciate.evaluators import Candidate, Evaluation, EvaluationCache, Status
from synthetic_problem import RoutingProblem, judge

NOISE_S = 2.0


class NoisyRouting(RoutingProblem):
    name = "noisy-routing"
    noisy = True


@cache
def truth(source: str) -> Evaluation:
    """Return what the judge would say without noise."""
    return judge(Candidate.from_source(source), None)


def noisy_judge(candidate: Candidate, past: EvaluationCache | None, repetition: int = 0) -> Evaluation:
    known = judge(candidate, past) if past and past.by_source(candidate.id) else truth(candidate.source)
    if known.status is not Status.OK or known.score is None:
        return known
    noise = Random(f"{candidate.id}/{repetition}").gauss(0, NOISE_S)
    return known.model_copy(update={"score": known.score + noise})
