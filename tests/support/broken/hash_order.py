"""Broken on purpose: the order of the jobs is that of a set of words, which Python's hash seed decides."""

from collections.abc import Mapping

from speciate.evaluators import Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes with a discount for the kind of job that comes out of the set first."""

    name = "hash-order"

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        kinds = {f"kind-{index}" for index in range(8)}
        first = int(next(iter(kinds)).removeprefix("kind-"))
        word = super().measure(policy, workload)
        return word.model_copy(update={"objective": word.objective * (1 + 0.001 * first)})
