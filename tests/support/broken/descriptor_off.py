"""Broken on purpose: one descriptor is in jobs where its range is a share, the other may be no number."""

import math
from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import JOBS, Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes with careless descriptors."""

    name = "descriptor-off"

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        word = super().measure(policy, workload)
        fast = word.descriptors["fast_share"]
        off = {"fast_share": fast or math.nan, "imbalance": 1 + JOBS * word.descriptors["imbalance"]}
        return word.model_copy(update={"descriptors": off})
