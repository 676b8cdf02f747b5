"""Broken on purpose: the held-out workloads are those of train under other names."""

from collections.abc import Mapping, Sequence

from speciate.evaluators import Split, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Broken(Lanes):
    """Lanes with two splits."""

    name = "heldout-is-train"

    def workloads(self, split: Split) -> Sequence[Workload]:
        if split != "heldout":
            return super().workloads(split)
        return tuple(
            workload.model_copy(update={"name": workload.name.replace("train", "heldout"), "split": "heldout"})
            for workload in super().workloads("train")
        )
