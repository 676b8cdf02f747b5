"""Broken on purpose: what was measured before changes what is measured next."""

from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes that wear out."""

    name = "remembers"
    measured = 0

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        self.measured += 1
        word = super().measure(policy, workload)
        return word.model_copy(update={"objective": word.objective * (1 + 1e-6 * self.measured)})
