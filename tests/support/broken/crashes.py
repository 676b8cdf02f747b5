"""Broken on purpose: a design that leaves a lane empty makes the measuring divide by zero."""

from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes that ask how unequal the lanes are, as a ratio."""

    name = "crashes"

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        word = super().measure(policy, workload)
        return word.model_copy(update={"metrics": {"per_fast_job_s": word.objective / word.descriptors["fast_share"]}})
