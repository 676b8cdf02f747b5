"""Broken on purpose: the world draws from Python's global generator, which nobody seeded."""

import random
from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes on which the jobs' mean time is off by up to two per cent."""

    name = "global-random"

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        word = super().measure(policy, workload)
        return word.model_copy(update={"objective": word.objective * (1 + 0.02 * random.SystemRandom().random())})
