"""Broken on purpose: the "bound" is what the author's favourite design reaches, and another one is better."""

from collections.abc import Mapping

from speciate.evaluators import Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes with a bound that is none."""

    name = "bound-beaten"

    def bound(self, workload: Workload) -> float:
        return 1.3
