"""The workloads of the three splits: from the generator, or from the user's log of jobs.

Splits differ in seed and in loads, bursts, restarts and predictors. From a log they differ too in the part of it that
they are cut from, and parts never overlap.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from speciate.evaluators import ProblemError, Split, Workload
from speciate.simulators.cluster import Cluster, TrainingJobs

from ..traces import LoggedJobs, load_job_log
from ._generator import CLOCK_ORIGIN_S, JobModel, Predictors, generate, guess, offered_gpu_s
from ._options import ClusterOptions

ROUND_S = 360.0


class Mix(NamedTuple):
    """One kind of demand."""

    load: float
    burst: float
    drift: float
    restart_s: float
    """Of rounds of ``ROUND_S``; a log's rounds are longer or shorter, and its restarts with them."""


MIXES: Mapping[Split, Mapping[str, Mix]] = {
    "train": {
        "calm": Mix(0.85, 1.3, 0.3, 60.0),
        "knee": Mix(1.15, 1.2, 0.8, 30.0),
        "rush": Mix(1.5, 1.6, 0.5, 120.0),
    },
    "validation": {
        "calm": Mix(0.75, 1.2, 0.4, 45.0),
        "knee": Mix(1.05, 1.3, 0.7, 90.0),
        "rush": Mix(1.25, 1.5, 0.6, 60.0),
    },
    "heldout": {
        "calm": Mix(0.65, 1.5, 0.5, 90.0),
        "knee": Mix(0.95, 1.1, 1.0, 40.0),
        "busy": Mix(1.15, 1.4, 0.2, 20.0),
        "rush": Mix(1.35, 1.7, 0.6, 100.0),
    },
}
PREDICTORS: Mapping[Split, Predictors] = {
    "train": Predictors((0.25, 0.9, 2.0)),
    "validation": Predictors((0.3, 1.0, 1.8)),
    "heldout": Predictors((0.2, 0.8, 2.3)),
}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 4), "validation": (101, 4), "heldout": (30001, 0)}
"""First seed and number of seeds; held-out's number is an option."""

LOG_SHARES: Mapping[Split, tuple[float, float]] = {
    "train": (0.0, 0.4),
    "validation": (0.4, 0.6),
    "heldout": (0.6, 1.0),
}
"""Which part of a log, by number of jobs, each split is cut from."""
LOG_WINDOWS: Mapping[Split, int] = {"train": 2, "validation": 2, "heldout": 5}
MIN_WINDOW = 40
"""Jobs; where a part does not give windows of so many, workloads are drawn from it with replacement."""
ROUNDS_A_JOB = 12
"""Of the mean work of a log's train part: how long its rounds are."""


def workloads(options: ClusterOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``, seeds or windows outermost. Raises ProblemError for an unusable log."""
    if options.trace is not None:
        return _log_workloads(options, split)
    first, count = SEEDS[split]
    return tuple(
        Workload(name=f"{split}/{mix}/seed{seed}", split=split, seed=seed, params={"mix": mix})
        for seed in range(first, first + (count or options.heldout_seeds))
        for mix in MIXES[split]
    )


def cluster_of(options: ClusterOptions, workload: Workload) -> Cluster:
    """Return what the workload's jobs run on."""
    restart_s = _mix(workload).restart_s
    if options.trace is None:
        return Cluster(options.gpus, ROUND_S, restart_s)
    round_s = _log_round_s(options)
    return Cluster(_log_gpus(options), round_s, round_s * restart_s / ROUND_S)


def jobs_of(options: ClusterOptions, workload: Workload) -> TrainingJobs:
    """Return the jobs of a workload."""
    if options.trace is not None:
        return _cut(options, workload)
    mix = _mix(workload)
    slow, middle, fast = options.gpus
    model = JobModel(
        jobs=options.jobs,
        load=mix.load,
        gpus=(slow, middle, fast),
        burst=mix.burst,
        drift=mix.drift,
        predictors=PREDICTORS[workload.split],
    )
    return generate(model, workload.seed)


def _mix(workload: Workload) -> Mix:
    return MIXES[workload.split][str(workload.params["mix"])]


def _log_workloads(options: ClusterOptions, split: Split) -> tuple[Workload, ...]:
    """Return windows of the split's part that do not overlap; where it is too short, jobs drawn from it by seed."""
    first, last = _part(options, split)
    count = LOG_WINDOWS[split]
    size = (last - first) // count
    kind, stride, jobs = ("window", size, min(size, options.jobs)) if size >= MIN_WINDOW else ("draw", 1, options.jobs)
    return tuple(
        Workload(
            name=f"{split}/{mix}/{kind}{each}",
            split=split,
            seed=first + each * stride,
            params={"mix": mix, "kind": kind, "jobs": jobs},
        )
        for each in range(count)
        for mix in MIXES[split]
    )


def _part(options: ClusterOptions, split: Split) -> tuple[int, int]:
    jobs = len(_log(options).arrival_s)
    first, last = (int(share * jobs) for share in LOG_SHARES[split])
    return first, last


def _cut(options: ClusterOptions, workload: Workload) -> TrainingJobs:
    """Return one workload's jobs of the log, its time stretched so that the load is the workload's."""
    log, (first, last) = _log(options), _part(options, workload.split)
    rng, jobs = np.random.default_rng((workload.seed, 11)), int(workload.params["jobs"])
    if workload.params["kind"] == "draw":
        chosen = rng.integers(first, last, jobs)
        arrival = np.cumsum(rng.choice(np.diff(log.arrival_s[first:last]), jobs))
    else:
        chosen = workload.seed + np.arange(jobs)
        arrival = log.arrival_s[chosen]
    if arrival[-1] <= arrival[0]:
        raise ProblemError(
            f"trace {options.trace}, lines {log.line[first]} to {log.line[last - 1]}: all arrive at once"
        )
    work, scale, speed = log.work_s[chosen], log.scale[chosen], log.speed[chosen]
    gpus = _log_gpus(options)
    wanted = offered_gpu_s(work, scale, speed, gpus) / _mix(workload).load / sum(gpus) * (jobs - 1)
    arrival = (arrival - arrival[0]) * (wanted / (arrival[-1] - arrival[0]))
    predicted, predictor = guess(work, PREDICTORS[workload.split], rng)
    return TrainingJobs(rng.uniform(*CLOCK_ORIGIN_S) + arrival, work, predicted, predictor, scale, speed)


def _log_gpus(options: ClusterOptions) -> tuple[int, ...]:
    types = _log(options).speed.shape[1]
    return options.gpus if types == len(options.gpus) else (sum(options.gpus),)


@lru_cache(maxsize=4)
def _log_round_s(options: ClusterOptions) -> float:
    log = _log(options)
    train = slice(0, int(LOG_SHARES["train"][1] * len(log.work_s)))
    return float(np.mean(log.work_s[train])) / ROUNDS_A_JOB


@lru_cache(maxsize=4)
def _log(options: ClusterOptions) -> LoggedJobs:
    """Return the log. Raises ProblemError naming the first job that no type of GPU has enough of."""
    assert options.trace is not None
    log = load_job_log(options.trace, options.throughputs)
    gpus = np.array(options.gpus if log.speed.shape[1] == len(options.gpus) else (sum(options.gpus),))
    lost = np.flatnonzero(~((log.speed > 0) & (log.scale[:, None] <= gpus)).any(axis=1))
    if len(lost):
        raise ProblemError(
            f"trace {options.trace}, line {log.line[lost[0]]}: the job needs {log.scale[lost[0]]} GPUs of a type that "
            f"it runs on, and there are {','.join(map(str, gpus))}; give more, such as --option gpus=64,64,64"
        )
    return log
