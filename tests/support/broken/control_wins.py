"""Broken on purpose: a time is maximised, so that the worst design wins."""

from collections.abc import Mapping

from speciate.evaluators import Objective
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes with the direction turned."""

    name = "control-wins"
    objective = Objective(name="mean sojourn", unit="s", direction="maximize")
