"""What a run of a fleet measured, beside what every run does."""

import hashlib
from collections.abc import Sequence

import numpy as np

from ._arrays import Floats
from ._errors import ConservationError
from ._fleet import Fleet
from ._requests import Requests
from ._result import Decisions, Result
from ._schedule_bounds import least_seconds
from ._trace import Trace

_ROUNDING = 1e-9
"""Relative."""


class FleetResult(Result):
    """The measurements of one run. Per-request arrays have shape (n,), in order of arrival; times are seconds."""

    def __init__(
        self,
        trace: Trace,
        requests: Requests,
        fleet: Fleet,
        sizes: Sequence[tuple[float, int, int]],
        promised_s: Sequence[float],
    ):
        asked = Decisions(keys=0, places=len(sizes), holds=0, forced=0)
        super().__init__(fleet.specs, trace, requests, fleet.replicas, asked)
        self.sizes = tuple(sizes)
        """(time, replicas up, starting) after each decision."""
        self.fleet = fleet.spec
        self.promised_s: Floats = np.array(promised_s)
        self.paid_s: Floats = np.array(fleet.paid_s)
        """Seconds that each replica was starting, up or draining, shape (most,)."""
        self.starts, self.drains = fleet.starts, fleet.drains
        self.recalls, self.cancels = fleet.recalls, fleet.cancels

    @property
    def late(self) -> Floats:
        """By how many promised latencies each request was late; 0 where the promise was kept."""
        return np.asarray(np.maximum(self.latency_s / self.promised_s - 1.0, 0.0))

    def metrics(self) -> dict[str, float]:
        """Return the summary of the run: that of every run, what was paid (s), broken promises, changes of size."""
        paid = float(self.paid_s.sum())
        span = float(self.finish_s.max() - self.arrival_s[0])
        return super().metrics() | {
            "paid_s": paid,
            "mean_replicas": paid / span,
            "late_share": float((self.late > 0.0).mean()),
            "mean_late": float(self.late.mean()),
            "starts": float(self.starts),
            "drains": float(self.drains),
            "recalls": float(self.recalls),
            "cancels": float(self.cancels),
            "starts_per_hour": 3600.0 * self.starts / span,
        }

    def digest(self) -> str:
        """Return 32 hex characters over every measurement and change of size. Equal runs have equal digests."""
        state = hashlib.blake2b(super().digest().encode(), digest_size=16)
        state.update(self.paid_s.astype("<f8").tobytes())
        state.update(repr((self.starts, self.drains, self.recalls, self.cancels)).encode())
        return state.hexdigest()

    def check(self) -> None:
        """Raise ConservationError unless requests, tokens, blocks, time and payment add up."""
        super().check()
        least = least_seconds(self.specs[0], self.trace)
        for index, paid in enumerate(self.paid_s):
            work = float(least[self.replica == index].sum())
            if paid < work * (1.0 - _ROUNDING):
                raise ConservationError(f"replica {index} did work of {work} s in the {paid} s it was paid for")
        span = float(self.finish_s.max() - self.arrival_s[0])
        if (
            not span * self.fleet.least * (1.0 - _ROUNDING)
            <= self.paid_s.sum()
            <= span * self.fleet.most * (1.0 + _ROUNDING)
        ):
            raise ConservationError(f"{self.paid_s.sum()} replica-seconds were paid for in {span} s")
