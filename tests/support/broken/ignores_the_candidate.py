"""Broken on purpose: the objective is a figure of the workload alone."""

from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes that report the load as the result."""

    name = "ignores-the-candidate"

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        word = super().measure(policy, workload)
        return word.model_copy(update={"objective": float(workload.params["load"]) + 0.001 * workload.seed})
