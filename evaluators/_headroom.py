"""How far a design is from the bound: what is left to discover."""

from collections.abc import Sequence
from typing import Any

from ._contract import Evaluation
from ._problem import Problem


def rooms(problem: Problem[Any], evaluation: Evaluation) -> Sequence[float]:
    """Return the distance from the bound on each workload that has one, as a share of the larger of the two."""
    by_name = {workload.name: workload for workload in problem.workloads(evaluation.split)}
    found = []
    for measurement in evaluation.measurements:
        bound = problem.bound(by_name[measurement.workload])
        if bound is not None:
            scale = max(abs(bound), abs(measurement.objective)) or 1.0
            found.append(abs(measurement.objective - bound) / scale)
    return found
