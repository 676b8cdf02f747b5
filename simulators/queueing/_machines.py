"""Machines that serve the jobs of lowest rank, preempting others: the class of schedules known as SOAP.

A job's rank is asked for when it arrives and whenever it has received the quantum of service that it was given;
between two askings it does not change. That is enough for first come first served, shortest first, least attained
service, round robin, predictions and every mixture of them (Scully, Harchol-Balter and Scheller-Wolf 2018), and it
keeps the number of decisions in the scheduler's own hands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf, isfinite, log
from typing import Protocol

import numpy as np

from ._jobs import Floats, Ints, Jobs

JOB_FIELDS = ("waited", "attained", "predicted", "weight", "predictor_error", "predictor_count")
SYSTEM_FIELDS = ("now", "present", "mean_size", "finished")
FIRST_ERROR = 1.0
"""What ``predictor_error`` says of a predictor of which no job has finished."""


class EventLimitError(Exception):
    """The run passed its event limit before every job was finished."""


class DecisionError(Exception):
    """A scheduler answered something that is no decision."""


class Ranking(Protocol):
    """Who decides. Both are given ``JOB_FIELDS`` and ``SYSTEM_FIELDS`` as one flat list of floats."""

    def rank(self, observed: Sequence[float]) -> float:
        """Return the job's rank, finite; the lowest are served, ties by who was ranked first."""

    def quantum(self, observed: Sequence[float]) -> float:
        """Return the work (> 0, infinity allowed) after which the job's rank is asked for anew."""


@dataclass(frozen=True)
class Schedule:
    """What happened to each job; arrays of shape (n,), in order of arrival."""

    response_s: Floats
    """Arrival to departure."""
    preemptions: Ints
    """How often the job was stopped to serve another."""
    served: Floats
    """Work that was done, summed over the quanta: equals the size."""
    decisions: int
    """Ranks and quanta that were asked for."""


def simulate(
    jobs: Jobs,
    ranking: Ranking,
    *,
    speeds: Sequence[float] = (1.0,),
    event_limit: int | None = None,
) -> Schedule:
    """Run the jobs until the last has left.

    Args:
        jobs: what arrives.
        ranking: decides.
        speeds: of the machines, work a second, > 0, in order of preference: of the jobs in service the one of the
            lowest rank is on the first machine, and so on. Fastest first is the rule that suffices to know.
        event_limit: arrivals, departures and ends of quanta, None for no limit.

    Raises:
        ValueError: no machine, or one without speed.
        DecisionError: a rank that is not finite, or a quantum that is not > 0.
        EventLimitError: beyond ``event_limit``.
    """
    if not speeds or not all(isfinite(speed) and speed > 0 for speed in speeds):
        raise ValueError(f"speeds must be one or more numbers > 0, got {tuple(speeds)}")
    run = _Run(jobs, ranking, tuple(speeds), inf if event_limit is None else event_limit)
    run.through()
    response = np.array(run.finished_s) - jobs.arrival_s
    return Schedule(response, np.array(run.preemptions, dtype=np.int64), np.array(run.attained), run.decisions)


class _Run:
    """State of one run. A machine's event is void where its version has moved on."""

    def __init__(self, jobs: Jobs, ranking: Ranking, speeds: tuple[float, ...], limit: float):
        self.arrival: list[float] = jobs.arrival_s.tolist()
        self.size: list[float] = jobs.size.tolist()
        self.predicted: list[float] = jobs.predicted.tolist()
        self.predictor: list[int] = jobs.predictor.tolist()
        self.weight: list[float] = jobs.weight.tolist()
        self.ask_rank, self.ask_quantum = ranking.rank, ranking.quantum
        self.speeds = speeds
        self.limit = limit
        n = len(jobs)
        self.attained = [0.0] * n
        self.left_of_quantum = [0.0] * n
        self.finished_s = [0.0] * n
        self.preemptions = [0] * n
        self.decisions = self.present = self.finished = self.ranked = 0
        self.work_done = 0.0
        predictors = max(self.predictor) + 1
        self.error_sum, self.error_count = [0.0] * predictors, [0] * predictors
        self.waiting: list[tuple[float, int, int]] = []
        self.on: list[tuple[float, int, int] | None] = [None] * len(speeds)
        """By machine, the (rank, turn, job) in service."""
        self.since = [0.0] * len(speeds)
        self.version = [0] * len(speeds)
        self.events: list[tuple[float, int, int, bool]] = []

    def through(self) -> None:
        """Handle every arrival, departure and end of a quantum; at equal times arrivals come last."""
        arrivals, events, n = [*self.arrival, inf], self.events, len(self.arrival)
        arrived = handled = 0
        while arrived < n or self.present:
            handled += 1
            if handled > self.limit:
                raise EventLimitError(f"{self.limit:g} events, and {n - self.finished} of {n} jobs are not finished")
            if events and events[0][0] <= arrivals[arrived]:
                now, machine, version, last = heappop(events)
                if version != self.version[machine]:
                    handled -= 1
                    continue
                self._end(machine, now, departs=last)
            else:
                now, job = arrivals[arrived], arrived
                arrived += 1
                self.present += 1
                self._rank(job, now)
            self._assign(now)

    def _observed(self, job: int, now: float) -> list[float]:
        """Return what is shown of a job and of the system; see ``JOB_FIELDS`` and ``SYSTEM_FIELDS``."""
        predictor = self.predictor[job]
        count = self.error_count[predictor]
        return [
            now - self.arrival[job],
            self.attained[job],
            self.predicted[job],
            self.weight[job],
            self.error_sum[predictor] / count if count else FIRST_ERROR,
            float(count),
            now,
            float(self.present),
            self.work_done / self.finished if self.finished else 0.0,
            float(self.finished),
        ]

    def _rank(self, job: int, now: float) -> None:
        """Ask for a job's rank and let it wait; its next quantum is asked for when it is served."""
        rank = self.ask_rank(self._observed(job, now))
        self.decisions += 1
        if not isfinite(rank):
            raise DecisionError(f"a rank must be finite, got {rank}")
        self.left_of_quantum[job] = 0.0
        self.ranked += 1
        heappush(self.waiting, (rank, self.ranked, job))

    def _assign(self, now: float) -> None:
        """Put the lowest ranks on the machines, in order of preference."""
        waiting, on = self.waiting, self.on
        if len(on) == 1:
            held = on[0]
            if waiting and (held is None or waiting[0] < held):
                if held is not None:
                    self._pause(0, now)
                    heappush(waiting, held)
                self._start(0, heappop(waiting), now)
            return
        chosen = [held for held in on if held is not None]
        while waiting and len(chosen) < len(on):
            chosen.append(heappop(waiting))
        chosen.sort()
        while waiting and waiting[0] < chosen[-1]:
            heappush(waiting, chosen.pop())
            chosen.append(heappop(waiting))
            chosen.sort()
        wanted: list[tuple[float, int, int] | None] = [*chosen, *[None] * (len(on) - len(chosen))]
        moved = [machine for machine, entry in enumerate(wanted) if on[machine] != entry]
        for machine in moved:
            if on[machine] is not None:
                self._pause(machine, now)
        for machine in moved:
            entry = wanted[machine]
            if entry is not None:
                self._start(machine, entry, now)

    def _start(self, machine: int, entry: tuple[float, int, int], now: float) -> None:
        """Serve a job on a machine that is free."""
        job = entry[2]
        if self.left_of_quantum[job] <= 0.0:
            given = self.ask_quantum(self._observed(job, now))
            self.decisions += 1
            if not given > 0.0:
                raise DecisionError(f"a quantum must be > 0, got {given}")
            self.left_of_quantum[job] = given
        left = max(self.size[job] - self.attained[job], 0.0)
        last = left <= self.left_of_quantum[job]
        work = left if last else self.left_of_quantum[job]
        self.on[machine] = entry
        self.since[machine] = now
        self.version[machine] += 1
        heappush(self.events, (now + work / self.speeds[machine], machine, self.version[machine], last))

    def _pause(self, machine: int, now: float) -> None:
        """Stop a job that keeps its rank and what is left of its quantum."""
        held = self.on[machine]
        assert held is not None
        job = held[2]
        done = (now - self.since[machine]) * self.speeds[machine]
        self.attained[job] += done
        self.left_of_quantum[job] -= done
        self.preemptions[job] += 1
        self.on[machine] = None
        self.version[machine] += 1

    def _end(self, machine: int, now: float, *, departs: bool) -> None:
        """End a quantum, or the job."""
        held = self.on[machine]
        assert held is not None
        job = held[2]
        self.on[machine] = None
        if not departs:
            self.attained[job] += self.left_of_quantum[job]
            self._rank(job, now)
            return
        self.attained[job] = self.size[job]
        self.finished_s[job] = now
        self.present -= 1
        self.finished += 1
        self.work_done += self.size[job]
        predictor = self.predictor[job]
        self.error_sum[predictor] += abs(log(self.predicted[job] / self.size[job]))
        self.error_count[predictor] += 1
