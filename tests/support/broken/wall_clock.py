"""Broken on purpose: how long the judge took is part of the objective, and the problem says it is not noisy."""

import time
from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes with the judge's own seconds added."""

    name = "wall-clock"

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        began = time.perf_counter()
        word = super().measure(policy, workload)
        return word.model_copy(update={"objective": word.objective + time.perf_counter() - began})
