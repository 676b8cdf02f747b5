"""What an inventor is told about a run: where the time to the first token went, and where prefixes were lost."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from speciate.evaluators import Workload
from speciate.simulators.serving import Result


class Run(NamedTuple):
    """One run and what was cached in it."""

    result: Result
    known: int
    """Prompt tokens that an earlier prompt had."""
    held_elsewhere: np.ndarray
    """For each request the tokens another replica had cached beyond the chosen one, shape (n,)."""
    objective: float


def feedback(workload: Workload, run: Run, metrics: Mapping[str, float], bound_s: float) -> str:
    """Return a few lines on one run."""
    result = run.result
    prompt = float(result.trace.prompt_tokens.sum())
    known, reused, elsewhere = (
        100.0 * part / prompt for part in (run.known, result.reused_tokens.sum(), run.held_elsewhere.sum())
    )
    waited = float((result.admitted_s - result.arrival_s).mean())
    lines = [
        f"{workload.name}: {run.objective:.3f} of least outstanding; mean time to first token "
        f"{metrics['mean_ttft_s']:.3f} s (no router is below {bound_s:.3f} s), p99 {metrics['p99_ttft_s']:.2f} s, "
        f"{1000 * metrics['mean_tpot_s']:.0f} ms a token after it",
        f"of that mean {waited:.3f} s is waiting for admission, the rest computing the prompt beside others",
        f"of all prompt tokens {known:.0f} % were in some earlier prompt: {reused:.0f} % were reused, "
        f"{elsewhere:.0f} % were cached on another replica when placed, "
        f"{max(0.0, known - reused - elsewhere):.0f} % nowhere (forgotten, or still being computed)",
    ]
    lines += [_replica_line(result, index) for index in range(len(result.specs))]
    for guard, what in (("p99_guard", "p99 time to first token"), ("tpot_guard", "time of later tokens")):
        if metrics[guard] > 1:
            lines.append(f"GUARD: the {what} is too high; the objective was multiplied by {metrics[guard]:.2f}")
    return "\n".join(lines)


def _replica_line(result: Result, index: int) -> str:
    here = result.replica == index
    head = f"replica {index} (speed {result.specs[index].speed:g}): {100 * here.mean():.0f} % of the requests"
    if not here.any():
        return head
    prompt = result.trace.prompt_tokens[here]
    return (
        f"{head}, {100 * result.reused_tokens[here].sum() / prompt.sum():.0f} % of their tokens reused, mean time to "
        f"first token {result.ttft_s[here].mean():.3f} s"
    )
