"""Rounds: at the start of each the scheduler ranks every job on every type of GPU, and the best ranked get theirs.

A job runs on all of its GPUs or on none, on GPUs of one type, and loses time wherever it did not run the round before.
What a job leaves in the middle of a round stays idle until the next one, as in Gavel (Narayanan et al. 2020). GPUs of
a type are alike and lie side by side: there are no nodes, and nothing is said of how a job is spread over them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log

import numpy as np

from ._jobs import Cluster, Floats, Ints, TrainingJobs

JOB_FIELDS = ("waited", "done", "service", "predicted", "gpus", "running", "error", "known")
OFFER_FIELDS = ("speed", "held", "gpus", "wanted", "worth")
CLUSTER_FIELDS = ("now", "present", "demand", "mean_work", "finished", "round_s", "restart_s")
FIRST_ERROR = 1.0
"""What ``error`` says of a predictor of which no job has finished."""

Rank = Callable[[Sequence[float]], float]
"""Answers the rank, finite, of a job on a type of GPU: the lowest come first. It is given ``JOB_FIELDS``,
``OFFER_FIELDS`` and ``CLUSTER_FIELDS`` as one flat list of floats."""


class RoundLimitError(Exception):
    """The run passed its limit of rounds before every job was finished."""


class DecisionError(Exception):
    """A scheduler answered something that is no decision."""


@dataclass(frozen=True)
class Schedule:
    """What happened; arrays have shape (n,), in order of arrival, unless said."""

    response_s: Floats
    """Arrival to the end of the job's work."""
    service_s: Floats
    """Shape (n, types): seconds that the job held GPUs of a type, restarts included."""
    done_s: Floats
    """Work that was done, summed over the rounds: equals ``work_s``."""
    starts: Ints
    """How often the job was placed where it had not run the round before; the first time counts."""
    begun_s: Floats
    """Arrival to the job's first round."""
    rounds: int
    """In which some job was present."""
    decisions: int
    """Ranks that were asked for."""


def simulate(jobs: TrainingJobs, cluster: Cluster, rank: Rank, *, round_limit: int | None = None) -> Schedule:
    """Run the jobs until the last is done.

    Rounds start at multiples of ``round_s`` after the first arrival. Ties in rank go to the job that arrived first,
    and then to the type with the lower number.

    Args:
        jobs: what arrives.
        cluster: what they run on.
        rank: asked at the start of each round for every job present and every type on which it can run.
        round_limit: rounds in which some job is present, None for no limit.

    Raises:
        ValueError: a job that fits no type.
        DecisionError: a rank that is not finite.
        RoundLimitError: beyond ``round_limit``.
    """
    run = _Run(jobs, cluster, rank)
    run.through(round_limit)
    done = run.done
    return Schedule(
        response_s=np.array(run.finished_s) - jobs.arrival_s,
        service_s=np.array(run.service),
        done_s=np.array(done),
        starts=np.array(run.starts, dtype=np.int64),
        begun_s=np.array(run.begun) - jobs.arrival_s,
        rounds=run.rounds,
        decisions=run.decisions,
    )


class _Run:
    """State of one run."""

    def __init__(self, jobs: TrainingJobs, cluster: Cluster, rank: Rank):
        n = len(jobs)
        self.ask, self.cluster = rank, cluster
        self.arrival: list[float] = jobs.arrival_s.tolist()
        self.work: list[float] = jobs.work_s.tolist()
        self.predicted: list[float] = jobs.predicted_s.tolist()
        self.predictor: list[int] = jobs.predictor.tolist()
        self.scale: list[int] = jobs.scale.tolist()
        self.speed: list[list[float]] = jobs.speed.tolist()
        self.types = [np.flatnonzero(row).tolist() for row in jobs.runs_on(cluster)]
        self.done = [0.0] * n
        self.service = [[0.0] * len(cluster.gpus) for _ in range(n)]
        self.finished_s, self.begun = [0.0] * n, [-1.0] * n
        self.starts = [0] * n
        self.on = [-1] * n
        """The type on which the job ran in the round before; -1 for none."""
        self.present: list[int] = []
        self.rounds = self.decisions = self.finished = 0
        self.work_done = 0.0
        predictors = max(self.predictor) + 1
        self.error_sum, self.error_count = [0.0] * predictors, [0] * predictors

    def through(self, limit: int | None) -> None:
        """Run round after round; rounds without a job present are passed over."""
        first, length, arrived, number = self.arrival[0], self.cluster.round_s, 0, 0
        while self.present or arrived < len(self.arrival):
            if not self.present:
                number = max(number, ceil((self.arrival[arrived] - first) / length))
            now = first + number * length
            while arrived < len(self.arrival) and self.arrival[arrived] <= now:
                self.present.append(arrived)
                arrived += 1
            if not self.present:  # rounding: the boundary lies a hair before the arrival
                number += 1
                continue
            if limit is not None and self.rounds >= limit:
                raise RoundLimitError(f"{limit} rounds, and {len(self.arrival) - self.finished} jobs are not finished")
            self.rounds += 1
            self._run(self._placed(self._bids(now)), now)
            number += 1

    def _bids(self, now: float) -> list[tuple[float, int, int]]:
        """Ask for every rank, and return (rank, job, type), the lowest first."""
        offers, about = self._offers(), self._about(now)
        bids = []
        for job in self.present:
            shown, speed, on = self._job(job, now), self.speed[job], self.on[job]
            for kind in self.types[job]:
                rank = self.ask([*shown, speed[kind], float(kind == on), *offers[kind], *about])
                if not isfinite(rank):
                    raise DecisionError(f"a rank must be finite, got {rank}")
                bids.append((rank, job, kind))
        self.decisions += len(bids)
        bids.sort()
        return bids

    def _placed(self, bids: list[tuple[float, int, int]]) -> dict[int, int]:
        """Return the type of GPU that each job that runs gets: each bid in turn takes what is left."""
        free = list(self.cluster.gpus)
        placed: dict[int, int] = {}
        for _, job, kind in bids:
            if free[kind] >= self.scale[job] and job not in placed:
                free[kind] -= self.scale[job]
                placed[job] = kind
        return placed

    def _run(self, placed: dict[int, int], now: float) -> None:
        """Let the placed jobs run for a round."""
        length, restart = self.cluster.round_s, self.cluster.restart_s
        gone = False
        for job in self.present:
            kind = placed.get(job, -1)
            moved = kind != self.on[job]
            self.on[job] = kind
            if kind < 0:
                continue
            lost = restart if moved else 0.0
            if moved:
                self.starts[job] += 1
            if self.begun[job] < 0:
                self.begun[job] = now
            speed, left = self.speed[job][kind], self.work[job] - self.done[job]
            if left <= (length - lost) * speed:
                took = lost + left / speed
                self.done[job] += left
                self._leave(job, now + took)
                gone = True
            else:
                took = length
                self.done[job] += (length - lost) * speed
            self.service[job][kind] += took
        if gone:
            self.present = [job for job in self.present if self.finished_s[job] == 0.0]

    def _leave(self, job: int, at: float) -> None:
        self.finished_s[job] = at
        self.finished += 1
        self.work_done += self.work[job]
        predictor = self.predictor[job]
        self.error_sum[predictor] += abs(log(self.predicted[job] / self.work[job]))
        self.error_count[predictor] += 1

    def _job(self, job: int, now: float) -> list[float]:
        predictor = self.predictor[job]
        count = self.error_count[predictor]
        return [
            now - self.arrival[job],
            self.done[job],
            sum(self.service[job]) * self.scale[job],
            self.predicted[job],
            float(self.scale[job]),
            float(self.on[job] >= 0),
            self.error_sum[predictor] / count if count else FIRST_ERROR,
            float(count),
        ]

    def _offers(self) -> list[list[float]]:
        """Return (gpus, wanted, worth) of each type: what is the same whichever job is asked for."""
        gpus = self.cluster.gpus
        wanted, worth, weight = [0.0] * len(gpus), [0.0] * len(gpus), 0.0
        for job in self.present:
            speed, scale = self.speed[job], self.scale[job]
            wanted[max(self.types[job], key=speed.__getitem__)] += scale
            for kind, each in enumerate(speed):
                worth[kind] += scale * each
            weight += scale
        return [[float(n), w / n, v / weight] for n, w, v in zip(gpus, wanted, worth, strict=True)]

    def _about(self, now: float) -> list[float]:
        return [
            now,
            float(len(self.present)),
            sum(self.scale[job] for job in self.present) / sum(self.cluster.gpus),
            self.work_done / self.finished if self.finished else 0.0,
            float(self.finished),
            self.cluster.round_s,
            self.cluster.restart_s,
        ]
