"""What a run under a scheduler measured, beside what every run does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from ._arrays import Floats
from ._errors import ConservationError
from ._promises import Promises
from ._requests import Requests
from ._result import Decisions, Result
from ._stalls import quantile
from ._trace import Trace

if TYPE_CHECKING:
    from ._scheduled import ScheduledReplica
    from ._scheduling import Server

_ROUNDING = 1e-6
"""Relative; running sums of stalls differ by less."""


class ScheduleResult(Result):
    """The measurements of one run. Per-request arrays have shape (n,), in order of arrival; times are seconds."""

    def __init__(
        self,
        server: Server,
        trace: Trace,
        promises: Promises,
        requests: Requests,
        replica: ScheduledReplica,
        events: int,
    ):
        tally = replica.tally
        decisions = Decisions(keys=tally.ranks, places=tally.chunks, holds=tally.holds, forced=tally.forced)
        super().__init__((server.replica,), trace, requests, [replica], decisions)
        self.promised_s: Floats = promises.latency_s(trace)
        """The latency each request was promised."""
        self.stall_s: Floats = np.array(replica.stalls.stall_s)
        """Seconds by which its tokens, the first apart, came later than ``gap_s`` after the one before."""
        self.events = events
        self.tally: Mapping[str, int] = asdict(tally)
        self._gap_s = promises.gap_s
        self.gaps = replica.stalls.gaps()
        """All gaps between tokens in ascending order (s), and how many requests had each."""

    def gap_quantile(self, share: float) -> float:
        """Return the gap (s) that ``share`` of all tokens do not exceed, the first tokens apart."""
        return quantile(*self.gaps, share)

    def metrics(self) -> dict[str, float]:
        """Return the summary of the run: that of every run, gaps and stalls (s), preemptions and what was asked."""
        metrics = super().metrics()
        for name in ("keys", "places"):
            del metrics[name]
        metrics.update({name: float(count) for name, count in self.tally.items()})
        metrics.update(
            p99_gap_s=self.gap_quantile(0.99),
            mean_stall_s=float(self.stall_s.mean()),
            mean_latency_to_promise=float((self.latency_s / self.promised_s).mean()),
        )
        return metrics

    def digest(self) -> str:
        """Return 32 hex characters over every measurement and decision count. Equal runs have equal digests."""
        state = hashlib.blake2b(super().digest().encode(), digest_size=16)
        state.update(self.stall_s.astype("<f8").tobytes())
        state.update(repr(sorted(self.tally.items())).encode())
        return state.hexdigest()

    def check(self) -> None:
        """Raise ConservationError unless requests, tokens, blocks, time, gaps and stalls add up."""
        super().check()
        seconds, weight = self.gaps
        expected = int((self.trace.output_tokens - 1).sum())
        if int(weight.sum()) != expected:
            raise ConservationError(f"{expected} tokens came after another but {int(weight.sum())} gaps were counted")
        stalled = float(np.sum(weight * np.maximum(seconds - self._gap_s, 0.0)))
        if abs(stalled - float(self.stall_s.sum())) > _ROUNDING * (1.0 + stalled):
            raise ConservationError(f"requests stalled for {self.stall_s.sum()} s but gaps add up to {stalled} s")
        span = float(np.sum(weight * seconds))
        waited = float((self.finish_s - self.first_token_s).sum())
        if abs(span - waited) > _ROUNDING * (1.0 + waited):
            raise ConservationError(f"the gaps add up to {span} s but requests took {waited} s after their first token")
