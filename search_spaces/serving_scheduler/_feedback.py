"""What an inventor is told about a run: which class cost what, and where its time went."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import Workload
from speciate.simulators.serving import ScheduleResult

from ._streams import GAP_S
from ._workloads import Case

SHOWN = 3
"""Requests told of."""


def feedback(workload: Workload, case: Case, result: ScheduleResult, metrics: Mapping[str, float]) -> str:
    """Return a few lines on one run: phases of each class, gaps, preemptions, the worst requests."""
    count = len(case.trace)
    lines = [
        f"{workload.name}: mean cost {metrics['mean_cost']:.3f} promised latencies, "
        f"latency alone {metrics['mean_latency_to_promise']:.3f}",
        *_classes(case, result),
        f"gaps between tokens: 99 % are within {metrics['p99_gap_s']:.3f} s (above {GAP_S:g} s readers stall)",
        f"{metrics['preemptions'] / count:.2f} preemptions a request ({metrics['displaced']:.0f} in all made room "
        f"for a head); {metrics['swaps']:.0f} caches copied to the host; "
        f"{metrics['recomputed_tokens'] / count:.0f} tokens a request computed again",
        *(_worst(case, result)),
    ]
    if metrics["tail_guard"] > 1:
        lines.append(
            f"GUARD: the worst 1 % fare too badly; the objective was multiplied by {metrics['tail_guard']:.2f}"
        )
    if metrics["forced"] > 0:
        lines.append(f"{metrics['forced']:.0f} times the engine had nothing else to do, and a prompt joined unasked")
    return "\n".join(lines)


def _classes(case: Case, result: ScheduleResult) -> Iterator[str]:
    waiting = result.admitted_s - result.arrival_s
    prefill = result.first_token_s - result.admitted_s
    decode = result.finish_s - result.first_token_s
    for name, chosen in (("chats", ~case.documents), ("documents", case.documents)):
        if not chosen.any():
            continue
        parts = (("in line", waiting), ("prefill", prefill), ("decode", decode), ("of which stalls", result.stall_s))
        told = ", ".join(f"{part} {seconds[chosen].mean():.2f}" for part, seconds in parts)
        kept = float(np.mean((result.latency_s <= result.promised_s)[chosen]))
        yield (
            f"{name} ({int(chosen.sum())}): seconds {told}; {result.promised_s[chosen].mean():.1f} were promised, "
            f"kept for {100 * kept:.0f} %"
        )


def _worst(case: Case, result: ScheduleResult) -> Iterator[str]:
    over: NDArray[np.float64] = result.latency_s / result.promised_s
    for request in np.argsort(-over, kind="stable")[:SHOWN]:
        kind = "document" if case.documents[request] else "chat"
        tokens = f"{int(case.trace.prompt_tokens[request])}+{int(case.trace.output_tokens[request])} tokens"
        predicted = f"predicted {int(case.trace.predicted_output[request])}"
        first = f"first token after {float(result.ttft_s[request]):.1f} s"
        stalls = f"stalled {float(result.stall_s[request]):.1f} s, preempted {int(result.preemptions[request])}x"
        yield (
            f"a {kind} of {tokens} ({predicted}) took {float(result.latency_s[request]):.1f} s of "
            f"{float(result.promised_s[request]):.1f} promised: {first}, {stalls}"
        )
