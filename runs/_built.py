"""Kernels of a run: what one costs to judge, how often its build was remembered, and whose clock its times are."""

from collections.abc import Sequence
from statistics import fmean, median

from speciate.agent import Archive
from speciate.evaluators import Evaluation, Status
from speciate.evaluators._statistics import spearman
from speciate.evaluators.kernel._modelled import DEVICE_S, MODELLED, MODELLED_S

_FEWEST = 3
"""Kernels of which a rank correlation says anything."""


def built_words(archive: Archive, run_id: str) -> tuple[str, ...]:
    """Return what is to be told of the kernels of a run; empty where no kernel was measured.

    The cost of one and the hit rate of the build cache; and where times are a model's, that they are, and how its ranks
    agree with a device's as far as both are known.
    """
    judged = [record.evaluation for record in archive.evaluations(run_id, status=Status.OK)]
    built = [each for each in judged if "build_cached" in each.measurements[0].metrics]
    if not built:
        return ()
    hits = sum(each.measurements[0].metrics["build_cached"] for each in built)
    cpu_s, wall_s = (median(cost) for cost in zip(*((e.cost.cpu_s, e.cost.wall_s) for e in built), strict=True))
    told = (
        f"A kernel took {cpu_s:.2g} CPU seconds and {wall_s:.2g} wall seconds to judge (median of {len(built)}, "
        f"its build and its bar's time included); {hits / len(built):.0%} of the builds came from the cache"
    )
    return (told, *_model_words(built))


def _model_words(built: Sequence[Evaluation]) -> tuple[str, ...]:
    if not any(MODELLED_S in each.measurements[0].metrics for each in built):
        return ()
    found = _agreements(built)
    if found:
        told = (
            f"Over kernels that both know, Spearman's correlation of {MODELLED} and measured time is "
            f"{fmean(found.values()):.2f} (mean of {len(found)} sizes, lowest {min(found.values()):.2f})"
        )
        return (told,)
    count = sum(MODELLED in each.labels for each in built)
    if count == 0:
        return ()  # measured on a device, and too few to compare
    return (
        f"Times of {count} evaluations are {MODELLED}, not measured: they rank kernels by a model that no device has "
        "confirmed here (Spearman's correlation with measured times: unknown until one has run them)",
    )


def _agreements(built: Sequence[Evaluation]) -> dict[str, float]:
    """Return by workload how the ranks of the modelled times agree with those of the measured ones."""
    pairs: dict[str, dict[str, tuple[float, float]]] = {}
    for each in built:
        for measured in each.measurements:
            if {MODELLED_S, DEVICE_S} <= measured.metrics.keys():
                both = (measured.metrics[MODELLED_S], measured.metrics[DEVICE_S])
                pairs.setdefault(measured.workload, {})[each.candidate] = both
    whole = {name: list(found.values()) for name, found in pairs.items() if len(found) >= _FEWEST}
    ranked = {name: spearman(*map(list, zip(*found, strict=True))) for name, found in whole.items()}
    return {name: value for name, value in ranked.items() if value is not None}
