"""The problem ``online-scheduler``, as the judge sees it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from speciate.evaluators import (
    CandidateFault,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Policy,
    Problem,
    Split,
    Status,
    Workload,
)
from speciate.simulators.queueing import (
    EventLimitError,
    Jobs,
    Schedule,
    busy_time_bound,
    processor_sharing,
    simulate,
)

from .._correlation import spearman
from .._options import parsed
from ._interface import INTERFACE
from ._workloads import SchedulerOptions, jobs_of, workloads

EVENTS_PER_JOB = 40
"""A run is ended beyond this; honest schedulers take 2 to 20."""


def problem(options: Mapping[str, str]) -> "OnlineScheduler":
    """Return the problem with ``options`` (see ``SchedulerOptions``)."""
    return OnlineScheduler(parsed(SchedulerOptions, options, OnlineScheduler.name))


class Hooks(NamedTuple):
    """A policy's hooks in the shape the simulator calls."""

    rank: Callable[[Sequence[float]], float]
    quantum: Callable[[Sequence[float]], float]


class Yardstick(NamedTuple):
    """What is known of a workload without any candidate; weighted mean response times in seconds."""

    sharing_s: float
    """Of processor sharing, which needs no prediction."""
    bound_s: float


class OnlineScheduler(Problem[Policy]):
    """Serve jobs of uncertain size on one machine; minimise the weighted mean response time."""

    name = "online-scheduler"
    title = "Which job next, with size predictions of varying quality"
    family = "queueing"
    objective = Objective(name="weighted mean response", unit="x processor sharing")
    descriptors = (
        Descriptor(
            name="size_bias",
            low=0.0,
            high=1.0,
            bins=10,
            unit="rank correlation",
            about="Spearman correlation of a job's size with its response: 1 lets small jobs pass, 0 treats all alike",
        ),
        Descriptor(
            name="preemptions",
            low=0.0,
            high=1.0,
            bins=10,
            unit="per job",
            about="how often a job in service is left for another",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: SchedulerOptions):
        self.options = options
        self._yardsticks: dict[str, Yardstick] = {}

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every load with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run the workload's jobs with ``policy`` ranking them."""
        jobs = jobs_of(self.options, workload)
        policy.begin(0)
        try:
            schedule = simulate(
                jobs, Hooks(policy.hook("rank"), policy.hook("quantum")), event_limit=EVENTS_PER_JOB * len(jobs)
            )
        except EventLimitError as error:
            raise CandidateFault(Status.INCORRECT, f"the quanta are too short: {error}") from error
        yardstick = self._yardstick(workload, jobs)
        mean = weighted_mean(jobs, schedule.response_s)
        metrics = {
            "mean_response_s": float(schedule.response_s.mean()),
            "weighted_response_s": mean,
            "p99_response_s": float(np.percentile(schedule.response_s, 99)),
            "quanta_per_job": schedule.decisions / (2.0 * len(jobs)),
        }
        return Measurement(
            workload=workload.name,
            objective=mean / yardstick.sharing_s,
            metrics=metrics,
            descriptors={
                "size_bias": spearman(jobs.size, schedule.response_s),
                "preemptions": float(schedule.preemptions.mean()),
            },
            feedback=feedback(workload, jobs, schedule, yardstick),
        )

    def bound(self, workload: Workload) -> float:
        """Return the bound of the mean busy times, relative to processor sharing: no schedule passes it."""
        yardstick = self._yardstick(workload, jobs_of(self.options, workload))
        return yardstick.bound_s / yardstick.sharing_s

    def _yardstick(self, workload: Workload, jobs: Jobs) -> Yardstick:
        if workload.name not in self._yardsticks:
            sharing = weighted_mean(jobs, processor_sharing(jobs))
            self._yardsticks[workload.name] = Yardstick(sharing, busy_time_bound(jobs))
        return self._yardsticks[workload.name]


def weighted_mean(jobs: Jobs, response_s: np.ndarray) -> float:
    """Return the mean response (s), each job's by its weight."""
    return float(np.average(response_s, weights=jobs.weight))


def feedback(workload: Workload, jobs: Jobs, schedule: Schedule, yardstick: Yardstick) -> str:
    """Return a few lines on one run: response by size, by weight and by predictor."""
    slowdown = schedule.response_s / jobs.size
    cuts = np.quantile(jobs.size, (0.5, 0.9, 0.99))
    group = np.searchsorted(cuts, jobs.size)
    share = [float((jobs.weight * schedule.response_s)[group == each].sum()) for each in range(4)]
    total = sum(share) or 1.0
    names = ("smaller half", "next 40 %", "next 9 %", "largest 1 %")
    cost = ", ".join(f"{name} {100 * part / total:.0f} %" for name, part in zip(names, share, strict=True))
    lines = [
        f"{workload.name}: weighted mean response {weighted_mean(jobs, schedule.response_s):.2f} s; processor sharing "
        f"{yardstick.sharing_s:.2f} s, no schedule is below {yardstick.bound_s:.2f} s",
        f"share of the cost by job size: {cost}",
        f"{schedule.preemptions.mean():.2f} preemptions and {schedule.decisions / 2 / len(jobs):.1f} quanta a job",
    ]
    for each in range(int(jobs.predictor.max()) + 1):
        mine = jobs.predictor == each
        error = float(np.abs(np.log(jobs.predicted[mine] / jobs.size[mine])).mean())
        lines.append(f"predictor with mean |log error| {error:.2f}: median slowdown {np.median(slowdown[mine]):.2f}")
    return "\n".join(lines)
