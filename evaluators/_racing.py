"""Racing: giving a candidate up part way through the train workloads. Heuristic, opt-in, and audited.

A niche is known only when all workloads are measured, so no partial measurement proves that a candidate will not
enter the archive. It is given up where the descriptors so far leave it only niches that are held, and it was
worse than the holder of every one of them on every workload so far. One candidate in ``AUDITED_SHARE``, chosen by
its id, is judged in full all the same and labelled, so that the share of those that would have entered the
archive is measured and not believed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from ._contract import Candidate, Measurement, Status
from ._errors import CandidateFault
from ._problem import Descriptor, Problem

MIN_WORKLOADS = 3
"""Workloads before a candidate may be given up."""
AUDITED_SHARE = 8
WOULD_LOSE = "would-race-out"
"""Label of an audited candidate that the rule would have given up; behind a colon after how many workloads."""


@runtime_checkable
class Incumbents(Protocol):
    """What the judge may ask about the holders of niches. Implemented by the archive, as of a fixed commit."""

    def holders(
        self, axes: Sequence[Descriptor], low: Mapping[str, float], high: Mapping[str, float]
    ) -> Sequence[Mapping[str, float]] | None:
        """Return what holds the niches between two corners, None where one of those niches is vacant.

        Args:
            axes: the problem's descriptors.
            low: lower corner, a value for each axis.
            high: upper corner.

        Returns the objectives of each holder by workload, as it was first judged on train.
        """


class Race:
    """The race of one candidate."""

    def __init__(self, problem: Problem[Any], candidate: Candidate, incumbents: Incumbents, workloads: int):
        self._problem = problem
        self._incumbents = incumbents
        self._workloads = workloads
        self._audited = int(candidate.id[8:16], 16) % AUDITED_SHARE == 0
        self.labels: tuple[str, ...] = ()
        """For the evaluation of an audited candidate."""

    def check(self, measured: Sequence[Measurement]) -> None:
        """Give the candidate up if it looks hopeless. Raises CandidateFault with status ``raced_out``."""
        if not MIN_WORKLOADS <= len(measured) < self._workloads or self.labels or not self._lost(measured):
            return
        if self._audited:
            self.labels = (f"{WOULD_LOSE}:{len(measured)}",)
            return
        raise CandidateFault(
            Status.RACED_OUT,
            f"given up after {len(measured)} of {self._workloads} workloads: worse on each than every design that "
            "holds a niche within its reach",
        )

    def _lost(self, measured: Sequence[Measurement]) -> bool:
        low, high = self._reach(measured)
        holders = self._incumbents.holders(self._problem.descriptors, low, high)
        return bool(holders) and all(self._beaten(measured, holder) for holder in holders or ())

    def _reach(self, measured: Sequence[Measurement]) -> tuple[dict[str, float], dict[str, float]]:
        """Return the corners within which the descriptors will end if the rest is like what was seen."""
        now = self._problem.describe(measured)
        single = [self._problem.describe([each]) for each in measured]
        rest = 1 - len(measured) / self._workloads
        low, high = {}, {}
        for name, value in now.items():
            seen = [each[name] for each in single]
            low[name] = value - rest * (value - min(seen))
            high[name] = value + rest * (max(seen) - value)
        return low, high

    def _beaten(self, measured: Sequence[Measurement], holder: Mapping[str, float]) -> bool:
        """Return whether the holder is better on each workload; it is not where it lacks one."""
        sign = -1.0 if self._problem.objective.direction == "maximize" else 1.0
        return all(
            each.workload in holder and sign * holder[each.workload] < sign * each.objective for each in measured
        )
