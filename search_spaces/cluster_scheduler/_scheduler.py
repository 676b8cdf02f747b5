"""The problem ``cluster-scheduler``, as the judge sees it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from speciate.evaluators import (
    Baseline,
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
    load_baselines,
)
from speciate.simulators.cluster import (
    JOB_FIELDS,
    Cluster,
    RoundLimitError,
    Schedule,
    TrainingJobs,
    alone_s,
    least_mean_completion,
    simulate,
)

from .._correlation import spearman
from .._options import parsed
from ._interface import INTERFACE
from ._options import ClusterOptions
from ._workloads import cluster_of, jobs_of, workloads

ROUNDS = 20
"""A run is ended beyond so many times the rounds that the yardstick takes."""
_SERVICE, _SPEED = JOB_FIELDS.index("service"), len(JOB_FIELDS)


def problem(options: Mapping[str, str]) -> "ClusterScheduler":
    """Return the problem with ``options`` (see ``ClusterOptions``)."""
    return ClusterScheduler(parsed(ClusterOptions, options, ClusterScheduler.name))


def least_attained(observed: Sequence[float]) -> float:
    """Return the yardstick's rank: least attained service first, on the fastest type that is left."""
    return observed[_SERVICE] - 1e-3 * observed[_SPEED]


class Yardstick(NamedTuple):
    """What is known of a workload without any candidate; mean times from arrival to completion, in seconds."""

    fair_s: float
    """Of the least attained service, which needs no prediction."""
    rounds: int
    """That it takes."""
    bound_s: float


class ClusterScheduler(Problem[Policy]):
    """Place training jobs on GPUs of several types, round by round; minimise the mean completion time."""

    name = "cluster-scheduler"
    title = "Which training jobs run on which GPUs of which type"
    family = "cluster"
    objective = Objective(name="mean completion", unit="x least attained service")
    objectives = (Objective(name="p95_slowdown", unit="x alone on the best GPUs"),)
    descriptors = (
        Descriptor(
            name="size_bias",
            low=-0.6,
            high=0.6,
            bins=12,
            unit="rank correlation",
            about="Spearman correlation of a job's GPU time alone with its slowdown: 1 lets small jobs pass, -1 large",
        ),
        Descriptor(
            name="starts",
            low=0.0,
            high=5.0,
            bins=15,
            unit="log2 a job",
            about="how often a job is placed where it did not run in the round before; the first time counts",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: ClusterOptions):
        self.options = options
        self._yardsticks: dict[str, Yardstick] = {}

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every mix of demand with every seed, or every window of a log."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run the workload's jobs with ``policy`` ranking them."""
        jobs, cluster = jobs_of(self.options, workload), cluster_of(self.options, workload)
        yardstick = self._yardstick(workload, jobs, cluster)
        policy.begin(0)
        try:
            schedule = simulate(jobs, cluster, policy.hook("rank"), round_limit=ROUNDS * yardstick.rounds)
        except RoundLimitError as error:
            raise CandidateFault(Status.INCORRECT, f"jobs are moved or kept on slow GPUs too often: {error}") from error
        alone = alone_s(jobs, cluster)
        slowdown = schedule.response_s / alone
        metrics = {
            "mean_completion_s": float(schedule.response_s.mean()),
            "p95_slowdown": float(np.percentile(slowdown, 95)),
            "starts": float(schedule.starts.mean()),
            "begun_s": float(schedule.begun_s.mean()),
            "rounds": float(schedule.rounds),
        }
        return Measurement(
            workload=workload.name,
            objective=metrics["mean_completion_s"] / yardstick.fair_s,
            metrics=metrics,
            descriptors={
                "size_bias": spearman(alone * jobs.scale, slowdown),
                "starts": float(np.log2(schedule.starts.mean())),
            },
            feedback=feedback(workload, jobs, cluster, schedule, yardstick),
        )

    def bound(self, workload: Workload) -> float:
        """Return the bound of the priced machine, relative to the yardstick: no schedule passes it."""
        jobs, cluster = jobs_of(self.options, workload), cluster_of(self.options, workload)
        yardstick = self._yardstick(workload, jobs, cluster)
        return yardstick.bound_s / yardstick.fair_s

    def baselines(self) -> Sequence[Baseline]:
        """Return the human designs with the constants of the option ``tuned``, or those tuned on the generator."""
        return load_baselines(self.folder / "baselines", self.interface.entry, self.options.tuned or self.tuned)

    def _yardstick(self, workload: Workload, jobs: TrainingJobs, cluster: Cluster) -> Yardstick:
        if workload.name not in self._yardsticks:
            fair = simulate(jobs, cluster, least_attained)
            bound = least_mean_completion(jobs, cluster)
            self._yardsticks[workload.name] = Yardstick(float(fair.response_s.mean()), fair.rounds, bound)
        return self._yardsticks[workload.name]


def feedback(workload: Workload, jobs: TrainingJobs, cluster: Cluster, schedule: Schedule, yardstick: Yardstick) -> str:
    """Return a few lines on one run: what completion times are made of, whose they are, and how GPUs were used."""
    response, held = schedule.response_s, schedule.service_s.sum(axis=1)
    restarts = schedule.starts * cluster.restart_s
    parts = {
        "before the first round": schedule.begun_s,
        "set aside later": response - schedule.begun_s - held,
        "restarts": restarts,
        "lost on slower types": held - restarts - jobs.work_s,
        "work": jobs.work_s,
    }
    made = ", ".join(f"{name} {max(part.mean(), 0.0):.0f} s" for name, part in parts.items())
    size = jobs.work_s * jobs.scale
    group = np.searchsorted(np.quantile(size, (0.5, 0.9)), size)
    names = ("smaller half", "next 40 %", "largest 10 %")
    slowdown = response / alone_s(jobs, cluster)
    by_size = ", ".join(
        f"{name} {100 * response[group == each].sum() / response.sum():.0f} % at a slowdown of "
        f"{np.median(slowdown[group == each]):.1f}"
        for each, name in enumerate(names)
        if np.any(group == each)
    )
    span = float((jobs.arrival_s + response).max() - jobs.arrival_s[0])
    used = (schedule.service_s * jobs.scale[:, None]).sum(axis=0) / (span * np.array(cluster.gpus))
    speed = (schedule.service_s * jobs.speed).sum(axis=0) / np.maximum(schedule.service_s.sum(axis=0), 1e-9)
    on = ", ".join(
        f"type {kind} {100 * share:.0f} % at {mean:.2f} of the jobs' best speed"
        for kind, (share, mean) in enumerate(zip(used, speed, strict=True))
    )
    wide = jobs.scale >= 4
    gangs = f"; jobs of 4 and more GPUs have {np.median(slowdown[wide]):.1f}" if wide.any() else ""
    return "\n".join(
        [
            f"{workload.name}: mean completion {response.mean():.0f} s; least attained service {yardstick.fair_s:.0f} "
            f"s, no schedule is below {yardstick.bound_s:.0f} s",
            f"it is made of: {made}",
            f"share of the cost by GPU time, and median slowdown: {by_size}{gangs}",
            f"{schedule.starts.mean():.1f} starts a job; GPUs used: {on}",
        ]
    )
