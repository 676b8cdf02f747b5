"""What a real run measured."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from speciate.simulators.serving import Trace


@dataclass
class Served:
    """Times of each request by the machine's monotonic clock, in order of arrival; -1 before it happened."""

    trace: Trace
    arrival_s: npt.NDArray[np.float64]
    """When the request was due: a late driver delays it, and that counts."""
    placed_s: list[float]
    admitted_s: list[float]
    first_token_s: list[float]
    finish_s: list[float]
    replica: list[int]
    preemptions: int = 0
    forced: int = 0
    busy_s: dict[int, float] = field(default_factory=dict)
    """Wall seconds that each replica computed, and the CPU seconds it got meanwhile."""
    cpu_s: dict[int, float] = field(default_factory=dict)
    thought_s: list[float] = field(default_factory=list)
    """Of each question to the router, in the order of asking."""

    def metrics(self) -> dict[str, float]:
        """Return the figures of the run under the names that the simulator's have, and what only a real run has.

        ``mean_thought_s`` is how long the router took for an answer, ``thought_share`` its share of the run's time.
        ``cpu_share`` is what the replicas got of a core while they computed: on a CPU, 1 where nothing disturbed them.
        """
        output = self.trace.output_tokens
        finish, first = np.array(self.finish_s), np.array(self.first_token_s)
        latency = finish - self.arrival_s
        several = output > 1
        tpot = (finish - first)[several] / (output[several] - 1)
        waiting = np.array(self.admitted_s) - self.arrival_s
        central = np.array(self.placed_s) - self.arrival_s
        span = float(finish.max() - self.arrival_s[0])
        return {
            "mean_latency_s": float(latency.mean()),
            "p99_latency_s": float(np.percentile(latency, 99)),
            "mean_ttft_s": float((first - self.arrival_s).mean()),
            "mean_tpot_s": float(tpot.mean()) if len(tpot) else 0.0,
            "mean_wait_s": float(waiting.mean()),
            "central_wait_share": float(central.sum() / waiting.sum()),
            "makespan_s": span,
            "requests_per_s": len(finish) / span,
            "largest_replica_share": float(np.bincount(self.replica).max()) / len(finish),
            "preemptions": float(self.preemptions),
            "forced": float(self.forced),
            "mean_thought_s": float(np.mean(self.thought_s)),
            "thought_share": float(np.sum(self.thought_s)) / span,
            "cpu_share": sum(self.cpu_s.values()) / sum(self.busy_s.values()),
        }
