"""Kernels of a run: what one costs to judge, and how often its build was remembered."""

from statistics import median

from speciate.agent import Archive
from speciate.evaluators import Status


def built_words(archive: Archive, run_id: str) -> tuple[str, ...]:
    """Return the cost of a kernel and the hit rate of the build cache; empty where no kernel was measured."""
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
    return (told,)
