"""Rounds of jobs on GPUs of several types: closed forms, and the orders of the literature (Tiresias, Gavel, Themis)."""

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.search_spaces.cluster_scheduler._generator import JobModel, Predictors, generate
from speciate.simulators.cluster import (
    CLUSTER_FIELDS,
    JOB_FIELDS,
    OFFER_FIELDS,
    Cluster,
    DecisionError,
    Rank,
    RoundLimitError,
    TrainingJobs,
    alone_s,
    least_makespan,
    least_mean_completion,
    simulate,
)

WAITED, DONE, SERVICE, PREDICTED, GPUS = range(5)
SPEED, HELD, _, _, WORTH = range(len(JOB_FIELDS), len(JOB_FIELDS) + len(OFFER_FIELDS))
TYPED = Cluster((12, 8, 8), 360.0, 0.0)


def first_come(seen: Sequence[float]) -> float:
    return -seen[WAITED] - 1e-3 * seen[SPEED]


def least_attained(seen: Sequence[float]) -> float:
    return seen[SERVICE] - 1e-3 * seen[SPEED]


def remaining(seen: Sequence[float]) -> float:
    """Shortest remaining service; where the work is known, the order that knows most."""
    return (seen[PREDICTED] - seen[DONE]) * seen[GPUS] - 1e-3 * seen[SPEED]


def remaining_by_type(seen: Sequence[float]) -> float:
    return (seen[PREDICTED] - seen[DONE]) * seen[GPUS] / seen[SPEED]


def blind(seen: Sequence[float]) -> float:
    """Shortest remaining service on whatever type is left: ties go to the type with the lower number."""
    return (seen[PREDICTED] - seen[DONE]) * seen[GPUS]


def finish_time_fair(seen: Sequence[float]) -> float:
    """Highest (waited + left) / (time alone) first."""
    return -(seen[WAITED] + seen[PREDICTED] - seen[DONE]) / seen[PREDICTED] - 1e-3 * seen[SPEED]


def discretised(seen: Sequence[float]) -> float:
    """Tiresias: four queues by service, first come first served in each."""
    queue = sum(seen[SERVICE] >= limit for limit in (3_600.0, 14_400.0, 57_600.0))
    return queue - seen[WAITED] / (seen[WAITED] + 1e7) - 1e-6 * seen[SPEED]


def known(model: JobModel, seed: int) -> TrainingJobs:
    return generate(replace(model, predictors=Predictors((0.0,))), seed)


BUSY = JobModel(jobs=200, load=1.15, gpus=(12, 8, 8), burst=1.2, drift=0.5)


def mean(jobs: TrainingJobs, rank: Rank, cluster: Cluster = TYPED) -> float:
    return float(simulate(jobs, cluster, rank).response_s.mean())


def one_type(arrival: Sequence[float], work: Sequence[float], scale: Sequence[int] | None = None) -> TrainingJobs:
    n = len(arrival)
    return TrainingJobs(
        arrival_s=np.array(arrival, dtype=float),
        work_s=np.array(work, dtype=float),
        predicted_s=np.array(work, dtype=float),
        predictor=np.zeros(n, dtype=np.int64),
        scale=np.ones(n, dtype=np.int64) if scale is None else np.array(scale),
        speed=np.ones((n, 1)),
    )


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_jobs_of_one_round_on_one_gpu_wait_as_the_slotted_queue_says(load: float) -> None:
    """Poisson arrivals, a job a slot: half a slot to the boundary, load / (2 (1 - load)) behind others, one of work."""
    draw = np.random.default_rng(3)
    arrival = np.cumsum(draw.exponential(1.0 / load, 40_000))
    found = mean(one_type(arrival, np.ones(len(arrival))), first_come, Cluster((1,), 1.0, 0.0))
    assert found == pytest.approx(1.5 + load / (2.0 * (1.0 - load)), rel=0.03)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 3))
def test_first_come_on_equal_gpus_starts_each_job_at_the_first_boundary_with_a_gpu_free(seed: int, gpus: int) -> None:
    draw = np.random.default_rng(seed)
    arrival = np.cumsum(draw.exponential(2.0, 30))
    work = draw.exponential(4.0, 30) + 0.01
    free, expected = [0.0] * gpus, []
    for at, lasts in zip(arrival - arrival[0], work, strict=True):
        start = math.ceil(max(at, min(free)))
        free[free.index(min(free))] = start + lasts
        expected.append(start + lasts - at)
    found = simulate(one_type(arrival - arrival[0], work), Cluster((gpus,), 1.0, 0.0), first_come)
    np.testing.assert_allclose(found.response_s, expected, rtol=1e-9)


def test_shortest_remaining_on_one_gpu_attains_the_bound() -> None:
    draw = np.random.default_rng(5)
    arrival = np.cumsum(draw.integers(0, 8, 200)).astype(float)
    jobs = one_type(arrival, draw.integers(1, 9, 200).astype(float))
    cluster = Cluster((1,), 1.0, 0.0)
    assert mean(jobs, remaining, cluster) == pytest.approx(least_mean_completion(jobs, cluster), rel=1e-12)
    assert mean(jobs, first_come, cluster) > 1.2 * least_mean_completion(jobs, cluster)


def test_shortest_remaining_beats_least_attained_beats_first_come() -> None:
    """Row 14 of the relations, on generated jobs; the real trace has a test of its own."""
    for seed in (1, 2, 3):
        jobs = known(replace(BUSY, load=1.5), seed)
        ladder = [mean(jobs, rank) for rank in (remaining, least_attained, first_come)]
        assert ladder == sorted(ladder)
        assert ladder[1] < 0.8 * ladder[2]


def test_the_gain_of_least_attained_over_first_come_grows_with_the_tail() -> None:
    """Tiresias's gain over YARN-CS: none where all jobs are alike, several times where they differ much."""
    gains = []
    for sigma in (0.0, 1.0, 2.0):
        draw = np.random.default_rng(4)
        work = 6_000.0 * np.exp(sigma * draw.standard_normal(400) - sigma**2 / 2)
        jobs = one_type(np.cumsum(draw.exponential(work.mean() / 8 / 1.1, 400)), work)
        alike = Cluster((8,), 360.0, 0.0)
        gains.append(mean(jobs, first_come, alike) / mean(jobs, least_attained, alike))
    assert gains == sorted(gains)
    assert gains[0] < 1.0 < 2.0 < gains[2]


def test_discretised_queues_pay_where_restarts_cost() -> None:
    """Tiresias discretises least attained service since continuous priorities change places all the time."""
    jobs = known(BUSY, 2)
    ratios, starts = [], []
    for restart_s in (0.0, 180.0):
        cluster = replace(TYPED, restart_s=restart_s)
        continuous, queues = (simulate(jobs, cluster, rank) for rank in (least_attained, discretised))
        ratios.append(queues.response_s.mean() / continuous.response_s.mean())
        starts.append(queues.starts.mean() / continuous.starts.mean())
    assert ratios[1] < ratios[0]
    assert max(starts) < 0.7


def test_to_know_the_types_gains_and_the_gain_vanishes_where_they_are_alike() -> None:
    """Gavel: heterogeneity-aware against agnostic."""
    gains = []
    for alike in (False, True):
        jobs = known(replace(BUSY, load=1.3), 5)
        jobs = replace(jobs, speed=np.ones_like(jobs.speed)) if alike else jobs
        gains.append(mean(jobs, blind) / mean(jobs, remaining_by_type))
    assert gains[0] > 1.25
    assert gains[1] == pytest.approx(1.0, abs=1e-9)


def test_finish_time_fairness_bounds_the_worst_slowdown() -> None:
    """Themis: the worst finish-time ratio falls, and the mean completion time pays for it."""
    worst, means = [], []
    for rank in (remaining, finish_time_fair):
        jobs = known(replace(BUSY, load=1.5), 6)
        response = simulate(jobs, TYPED, rank).response_s
        worst.append(float((response / alone_s(jobs, TYPED)).max()))
        means.append(float(response.mean()))
    assert worst[0] > 1.5 * worst[1]
    assert means[0] < means[1]


def test_all_orders_tie_where_nobody_waits() -> None:
    jobs = known(replace(BUSY, load=0.05), 7)
    found = [mean(jobs, rank) for rank in (first_come, least_attained, remaining)]
    assert max(found) < 1.01 * min(found)


def test_predictions_help_until_they_are_worse_than_none() -> None:
    by_noise = [
        np.mean([mean(generate(replace(BUSY, predictors=Predictors((sigma,))), seed), remaining) for seed in (1, 2, 3)])
        for sigma in (0.0, 1.0, 4.0)
    ]
    blind = np.mean([mean(known(BUSY, seed), least_attained) for seed in (1, 2, 3)])
    assert by_noise == sorted(by_noise)
    assert by_noise[1] < blind < by_noise[2]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10_000), st.floats(0.3, 2.0), st.sampled_from([0.0, 30.0, 200.0]))
def test_every_schedule_does_all_work_within_the_clusters_gpus(seed: int, load: float, restart_s: float) -> None:
    jobs = generate(replace(BUSY, jobs=25, load=load), seed)
    cluster = replace(TYPED, restart_s=restart_s)
    draw = Random(seed)
    schedule = simulate(jobs, cluster, lambda seen: draw.random())
    np.testing.assert_allclose(schedule.done_s, jobs.work_s, rtol=1e-9)
    held = schedule.service_s.sum(axis=1)
    assert np.all(schedule.response_s >= schedule.begun_s + held - 1e-6)
    assert np.all(schedule.response_s >= alone_s(jobs, cluster) * (1 - 1e-9))
    effective = (schedule.service_s * jobs.speed).sum(axis=1)
    assert np.all(effective >= jobs.work_s * (1 - 1e-9))
    makespan = (jobs.arrival_s + schedule.response_s).max() - jobs.arrival_s[0]
    assert np.all((schedule.service_s * jobs.scale[:, None]).sum(axis=0) <= makespan * np.array(cluster.gpus) + 1e-6)
    assert makespan >= least_makespan(jobs, cluster) * (1 - 1e-9)
    assert schedule.response_s.mean() >= least_mean_completion(jobs, cluster) * (1 - 1e-9)


def test_the_makespan_bound_is_attained_where_gpus_are_never_idle() -> None:
    jobs = one_type([0.0] * 12, [5.0] * 12)
    cluster = Cluster((3,), 5.0, 0.0)
    assert simulate(jobs, cluster, first_come).response_s.max() == least_makespan(jobs, cluster) == 20.0


def test_what_is_observed_is_what_is_so() -> None:
    seen: list[list[float]] = []

    def note(observed: Sequence[float]) -> float:
        seen.append(list(observed))
        return -observed[WAITED]

    jobs = TrainingJobs(
        arrival_s=np.array([5.0, 6.0]),
        work_s=np.array([12.0, 20.0]),
        predicted_s=np.array([24.0, 20.0]),
        predictor=np.array([0, 0]),
        scale=np.array([2, 1]),
        speed=np.array([[0.5, 1.0], [1.0, 0.0]]),
    )
    schedule = simulate(jobs, Cluster((2, 2), 10.0, 1.0), note)
    assert len(seen[0]) == len(JOB_FIELDS) + len(OFFER_FIELDS) + len(CLUSTER_FIELDS)
    # Both offers tie in rank, so the first job takes the first type at half speed: 9 s of it are 4.5 s of work.
    assert seen[0][:10] == [0.0, 0.0, 0.0, 24.0, 2.0, 0.0, 1.0, 0.0, 0.5, 0.0]
    assert seen[0][10:] == [2.0, 0.0, 0.5, 5.0, 1.0, 0.5, 0.0, 0.0, 10.0, 1.0]
    assert seen[2][:10] == [10.0, 4.5, 20.0, 24.0, 2.0, 1.0, 1.0, 0.0, 0.5, 1.0]
    assert seen[2][10:15] == pytest.approx([2.0, 0.5, 2.0 / 3.0, 15.0, 2.0])
    assert seen[-1][6:8] == pytest.approx([math.log(2.0), 1.0])
    # 4.5 s of work in the first round, 5 in the second, 2.5 in the third take 5 s: 25 s in all.
    assert schedule.response_s.tolist() == pytest.approx([25.0, 50.0])
    assert schedule.starts.tolist() == [1, 1]


def test_a_gang_runs_on_all_of_its_gpus_or_on_none() -> None:
    jobs = one_type([0.0, 0.0, 0.0], [10.0, 10.0, 10.0], [2, 3, 1])
    schedule = simulate(jobs, Cluster((3,), 10.0, 0.0), first_come)
    assert schedule.response_s.tolist() == [10.0, 20.0, 10.0]


def test_refuses_what_cannot_be() -> None:
    jobs = one_type([0.0, 1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="work_s must be finite and > 0, but job 1 has 0"):
        replace(jobs, work_s=np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="job 1 arrives before job 0"):
        replace(jobs, arrival_s=np.array([2.0, 1.0]))
    with pytest.raises(ValueError, match="scale must be >= 1, but job 0 has 0"):
        replace(jobs, scale=np.array([0, 1]))
    with pytest.raises(ValueError, match=r"speed must be .* job 1 has \[0.5\]"):
        replace(jobs, speed=np.array([[1.0], [0.5]]))
    with pytest.raises(ValueError, match="n >= 1"):
        one_type([], [])
    with pytest.raises(ValueError, match="job 1 needs 4 GPUs"):
        simulate(replace(jobs, scale=np.array([1, 4])), Cluster((3,), 1.0, 0.0), first_come)
    for gpus, round_s, restart_s in (((), 1.0, 0.0), ((0,), 1.0, 0.0), ((1,), 0.0, 0.0), ((1,), 1.0, 1.0)):
        with pytest.raises(ValueError, match="must be"):
            Cluster(gpus, round_s, restart_s)
    with pytest.raises(DecisionError, match="finite"):
        simulate(jobs, Cluster((1,), 1.0, 0.0), lambda seen: math.nan)
    with pytest.raises(RoundLimitError, match="2 rounds, and 1 jobs are not finished"):
        simulate(jobs, Cluster((1,), 1.0, 0.0), first_come, round_limit=2)


def test_two_processes_run_the_same_schedule() -> None:
    script = """
import random
from speciate.search_spaces.cluster_scheduler._generator import JobModel, generate
from speciate.simulators.cluster import Cluster, simulate
draw = random.Random(1)
jobs = generate(JobModel(jobs=40, load=1.0, gpus=(12, 8, 8)), 3)
schedule = simulate(jobs, Cluster((12, 8, 8), 360.0, 30.0), lambda seen: draw.random())
print(schedule.starts.tolist(), schedule.response_s.sum().hex())
"""
    assert printed(script, "1") == printed(script, "77")


def printed(script: str, seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout
    return done.stdout
