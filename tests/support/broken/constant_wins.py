"""Broken on purpose: the last lane is so fast, and the load so low, that always choosing it is best."""

from collections.abc import Mapping, Sequence

from speciate.evaluators import Measurement, Policy, Split, Workload
from support import lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(lanes.Lanes):
    """Lanes of which one counts."""

    name = "constant-wins"

    def workloads(self, split: Split) -> Sequence[Workload]:
        return [w.model_copy(update={"params": {"load": 0.03}}) for w in super().workloads(split)[:2]]

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        usual, lanes.SPEEDS = lanes.SPEEDS, (1.0, 0.5, 40.0)
        try:
            return super().measure(policy, workload)
        finally:
            lanes.SPEEDS = usual
