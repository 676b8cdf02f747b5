"""What an inventor is told about a run: what was paid, what was broken, and how the fleet followed the rate."""

from collections.abc import Iterator

import numpy as np
from speciate.evaluators import Workload
from speciate.simulators.serving import FleetResult

from ._workloads import Case

PARTS = 8
"""Of a run that are told of."""


def feedback(workload: Workload, case: Case, result: FleetResult, late_s: float) -> str:
    """Return a few lines on one run: cost by kind, changes of the fleet, and its course."""
    count = len(case.trace)
    paid = float(result.paid_s.sum()) / count
    late = result.late
    central = result.placed_s - result.arrival_s
    lines = [
        f"{workload.name}: {paid:.3f} replica-seconds a request were paid for, and {late_s * late.mean():.3f} are the "
        f"price of broken promises ({100 * (late > 0).mean():.1f} % of requests; those took "
        f"{1 + (late[late > 0].mean() if late.any() else 0.0):.2f} x what was promised)",
        f"a start takes {case.fleet.start_s:g} s; {result.starts} starts, {result.cancels} given up; {result.drains} "
        f"drains, {result.recalls} taken back; {int(result.preemptions.sum())} preemptions",
        f"requests waited centrally {central.mean():.2f} s on average, at worst {central.max():.0f} s",
        *_course(result),
    ]
    return "\n".join(lines)


def _course(result: FleetResult) -> Iterator[str]:
    """Yield a line for each part of the run: arrivals, replicas and how many of its requests were late."""
    begin, end = float(result.arrival_s[0]), float(result.arrival_s[-1])
    edges = np.linspace(begin, end, PARTS + 1)
    part = np.clip(np.searchsorted(edges, result.arrival_s, side="right") - 1, 0, PARTS - 1)
    times, up, starting = (np.array(column) for column in zip(*result.sizes, strict=True))
    tick = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, PARTS - 1)
    for each in range(PARTS):
        chosen, shown = part == each, (tick == each) & (times <= end)
        if not chosen.any() or not shown.any():
            continue
        yield (
            f"from {edges[each] - begin:.0f} s: {chosen.sum() / (edges[1] - edges[0]):.2f} requests/s, "
            f"{up[shown].mean():.1f} up and {starting[shown].mean():.1f} starting on average, "
            f"{100 * (result.late[chosen] > 0).mean():.0f} % late"
        )
