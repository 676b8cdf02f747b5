"""What an inventor is told about a run: who was late, by what, and on which replica."""

from collections.abc import Sequence

import numpy as np
from speciate.evaluators import Workload
from speciate.simulators.serving import Role, SplitResult


def feedback(
    workload: Workload, result: SplitResult, roles: Sequence[Role], slo_s: tuple[float, float], guard: float
) -> str:
    """Return a few lines on one run; ``slo_s``: objectives for the first token and for each later one (s)."""
    first, later = result.ttft_s > slo_s[0], result.tpot_s > slo_s[1]
    moved = result.moved
    lines = [
        f"{workload.name}: {100 * (first | later).mean():.1f} % of the requests were late: {100 * first.mean():.1f} % "
        f"had their first token after {slo_s[0]:g} s, {100 * later.mean():.1f} % their later ones more than "
        f"{1000 * slo_s[1]:g} ms apart",
        f"time to first token {result.ttft_s.mean():.2f} s (p99 {np.percentile(result.ttft_s, 99):.2f} s), of later "
        f"tokens {1000 * result.tpot_s.mean():.1f} ms (p99 {1000 * np.percentile(result.tpot_s, 99):.0f} ms)",
    ]
    if moved.any():
        waited = (result.begun_s - result.first_token_s)[moved].mean()
        sent = (result.ended_s - result.begun_s)[moved].mean()
        lines.append(
            f"{100 * moved.mean():.0f} % of the KV caches were sent: {1000 * waited:.0f} ms waiting for the link and "
            f"{1000 * sent:.0f} ms on the way, on average"
        )
    for index, role in enumerate(roles):
        here, there = result.prefill_at == index, result.decode_at == index
        line = f"replica {index} ({role.name}): {100 * here.mean():.0f} % of the prompts"
        if here.any():
            line += f", {100 * first[here].mean():.0f} % of them late"
        line += f"; {100 * there.mean():.0f} % of the answers"
        if there.any():
            line += f", {100 * later[there].mean():.0f} % of them late"
        lines.append(line)
    if guard > 1:
        lines.append(f"GUARD: the mean latency is too high; the objective was multiplied by {guard:.2f}")
    return "\n".join(lines)
