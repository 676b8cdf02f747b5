"""Broken on purpose: seeds are taken modulo 100, so that validation's seed 101 is train's seed 1."""

from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes with a hundred workloads, however many names."""

    name = "seed-wraps"

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        return super().measure(policy, workload.model_copy(update={"seed": workload.seed % 100}))
