"""Experiments of a run: designs that whoever invents tried on one train workload, and what they cost the budget."""

from ._spent import Spent


def tried_words(cost: Spent, workloads: int) -> tuple[str, ...]:
    """Return how many experiments a run made, and what they are worth; empty where it made none.

    Args:
        cost: of the run.
        workloads: train workloads of the problem: so many experiments are one evaluation.
    """
    if not cost.experiments:
        return ()
    worth = f"{cost.experiments / workloads:.3g}"
    told = f"{cost.experiments} experiments, each a draft on one of the {workloads} train workloads"
    return (f"{told}, took as much of the budget as {worth} evaluations",)
