"""What a real run of a scheduler measured."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ._job import Job

if TYPE_CHECKING:
    from ._steered_driver import Stream
    from ._steered_engine import SteeredEngine

Floats = npt.NDArray[np.float64]


class Scheduled:
    """Times of each request, shape (n,), in order of arrival; seconds of the clock that the scheduler was shown.

    A request arrives when it was due: a late driver delays it, and that counts.
    """

    def __init__(
        self,
        stream: "Stream",
        jobs: Sequence[Job],
        engine: "SteeredEngine",
        pace: float,
        thought_s: Sequence[float],
        spent: Mapping[str, float],
    ):
        self.jobs = jobs
        arrival = np.array([job.arrival_s for job in jobs])
        self.latency_s: Floats = np.array([job.token_s[-1] for job in jobs]) - arrival
        self.ttft_s: Floats = np.array([job.token_s[0] for job in jobs]) - arrival
        self.wait_s: Floats = np.array([job.admitted_s for job in jobs]) - arrival
        self.promised_s: Floats = stream.promises.latency_s(stream.trace)
        gaps = [np.diff(job.token_s) for job in jobs]
        self.gaps_s: Floats = np.concatenate(gaps)
        """Between the tokens of a request, of all requests."""
        stalls = [np.maximum(each - stream.promises.gap_s, 0.0).sum() for each in gaps]
        self.stall_s: Floats = np.array(stalls, dtype=np.float64)
        self._span_s = float((self.latency_s + arrival).max() - arrival[0])
        self._engine, self._pace, self._thought_s, self._spent = engine, pace, thought_s, spent

    def metrics(self) -> dict[str, float]:
        """Return the figures of the run under the names that the simulator's have, and what only a real run has.

        ``mean_thought_s`` is how long the scheduler took for an answer (wall seconds), ``thought_share`` its share of
        the run's time. ``cpu_share`` is what the replica got of a core while it computed.
        """
        output = np.array([job.output for job in self.jobs])
        several = output > 1
        tpot = ((self.latency_s - self.ttft_s)[several]) / (output[several] - 1)
        tally = self._engine.tally
        return {
            "mean_latency_s": float(self.latency_s.mean()),
            "p99_latency_s": float(np.percentile(self.latency_s, 99)),
            "mean_ttft_s": float(self.ttft_s.mean()),
            "mean_tpot_s": float(tpot.mean()) if len(tpot) else 0.0,
            "mean_wait_s": float(self.wait_s.mean()),
            "mean_stall_s": float(self.stall_s.mean()),
            "p99_gap_s": float(np.quantile(self.gaps_s, 0.99, method="inverted_cdf")) if len(self.gaps_s) else 0.0,
            "makespan_s": self._span_s,
            "requests_per_s": len(self.jobs) / self._span_s,
            "preemptions": float(self._engine.preemptions),
            "recomputed_tokens": float(self._engine.recomputed_tokens),
            **{name: float(getattr(tally, name)) for name in ("displaced", "swaps", "holds", "forced")},
            "mean_thought_s": float(np.mean(self._thought_s)),
            "thought_share": float(np.sum(self._thought_s)) * self._pace / self._span_s,
            "cpu_share": self._spent["cpu_s"] / self._spent["busy_s"],
        }
