"""What an inventor is told about a run: where the time went, in words and numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
from speciate.evaluators import Workload
from speciate.simulators.serving import ReplicaSpec, Result


def feedback(workload: Workload, metrics: Mapping[str, float], result: Result, replicas: Sequence[ReplicaSpec]) -> str:
    """Return a few lines on one run: latency against the yardstick, waiting, KV pressure, use of each replica."""
    share = np.bincount(result.replica, minlength=len(replicas)) / len(result.replica)
    lines = [
        f"{workload.name}: mean latency {metrics['mean_latency_s']:.1f} s "
        f"({metrics['relative']:.3f} of plain least-outstanding), p99 {metrics['p99_latency_s']:.0f} s",
        f"admitted after {metrics['mean_wait_s']:.1f} s on average, at worst {metrics['max_wait_s']:.0f} s; "
        f"{100 * metrics['central_wait_share']:.0f} % of that waiting was in the central queue",
        f"{metrics['preemptions'] / len(result.replica):.2f} preemptions a request (each recomputes its KV cache)",
        "share of requests by replica: "
        + ", ".join(
            f"{i} (speed {replica.speed:g}, {replica.blocks} blocks) {100 * part:.0f} %"
            for i, (replica, part) in enumerate(zip(replicas, share, strict=True))
        ),
    ]
    if metrics["p99_guard"] > 1:
        lines.append(f"GUARD: p99 is too high; the objective was multiplied by {metrics['p99_guard']:.2f}")
    if metrics["starvation_guard"] > 1:
        lines.append(f"GUARD: some request starved; the objective was multiplied by {metrics['starvation_guard']:.2f}")
    if metrics["forced"] > 0:
        lines.append(f"{metrics['forced']:.0f} requests were still held when all else was done, and placed by force")
    return "\n".join(lines)
