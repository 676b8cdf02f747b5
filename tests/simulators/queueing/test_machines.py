"""Preemptive machines against theory (M/G/1 and its kin), and what predictions are worth as they get worse."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.simulators.queueing import (
    JOB_FIELDS,
    SYSTEM_FIELDS,
    DecisionError,
    EventLimitError,
    Jobs,
    busy_time_bound,
    processor_sharing,
    simulate,
)

WAITED, ATTAINED, PREDICTED, WEIGHT = range(4)
NOW = len(JOB_FIELDS)
Rule = Callable[[Sequence[float]], float]


class Rules:
    """A ranking made of two functions."""

    def __init__(self, rank: Rule, quantum: Rule = lambda seen: math.inf):
        self.rank = rank
        self.quantum = quantum


FIRST_COME = Rules(lambda seen: seen[NOW] - seen[WAITED])
SHORTEST = Rules(lambda seen: seen[PREDICTED])
REMAINING = Rules(lambda seen: seen[PREDICTED] - seen[ATTAINED], lambda seen: 0.02 + 0.2 * seen[ATTAINED])
LEAST_ATTAINED = Rules(lambda seen: seen[ATTAINED], lambda seen: 0.05 + 0.1 * seen[ATTAINED])
ROBUST = Rules(
    lambda seen: seen[ATTAINED] + max(seen[PREDICTED] - seen[ATTAINED], 0.0), lambda seen: 0.1 + 0.5 * seen[ATTAINED]
)


def round_robin(quantum: float) -> Rules:
    return Rules(lambda seen: seen[NOW], lambda seen: quantum)


def weibull(n: int, load: float, seed: int, *, shape: float = 0.5, sigma: float = 0.0, speed: float = 1.0) -> Jobs:
    """Poisson arrivals, sizes of mean 1, log-normal errors of the predictions."""
    draw = np.random.default_rng(seed)
    size = draw.weibull(shape, n) / math.gamma(1.0 + 1.0 / shape)
    return Jobs(
        arrival_s=np.cumsum(draw.exponential(1.0 / load / speed, n)),
        size=np.maximum(size, 1e-9),
        predicted=np.maximum(size, 1e-9) * np.exp(sigma * draw.standard_normal(n)),
        predictor=np.zeros(n, dtype=np.int64),
        weight=np.ones(n),
    )


def mean(jobs: Jobs, rules: Rules) -> float:
    return float(simulate(jobs, rules).response_s.mean())


def test_first_come_first_served_is_pollaczek_khinchine() -> None:
    """Weibull 0.5 has E[S^2] = 6; the mean lies within 3 standard errors of 40 batch means."""
    jobs = weibull(200_000, 0.7, 1)
    response = simulate(jobs, FIRST_COME).response_s
    batches = response.reshape(40, -1).mean(axis=1)
    error = batches.std(ddof=1) / math.sqrt(len(batches))
    assert abs(response.mean() - (1.0 + 0.7 * 6.0 / (2 * 0.3))) < 3 * error
    assert error < 0.1 * response.mean(), "or the test could not fail"


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0])
def test_processor_sharing_depends_on_the_load_alone(shape: float) -> None:
    jobs = weibull(200_000, 0.7, 3, shape=shape)
    assert processor_sharing(jobs).mean() == pytest.approx(1.0 / 0.3, rel=0.04)


def test_round_robin_of_short_quanta_is_processor_sharing() -> None:
    jobs = weibull(3_000, 0.8, 2)
    exact = processor_sharing(jobs).mean()
    gaps = [abs(mean(jobs, round_robin(quantum)) - exact) for quantum in (1.0, 0.25, 0.02)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.02 * exact


def test_the_orders_of_the_literature_on_heavy_tails() -> None:
    jobs = weibull(50_000, 0.8, 5)
    by = [mean(jobs, rules) for rules in (REMAINING, SHORTEST)]
    sharing, first_come = float(processor_sharing(jobs).mean()), mean(jobs, FIRST_COME)
    assert [*by, sharing, first_come] == sorted([*by, sharing, first_come])
    assert mean(jobs, LEAST_ATTAINED) < sharing < 0.5 * first_come


def test_predictions_help_until_they_are_worse_than_none() -> None:
    by_noise = {sigma: mean(weibull(30_000, 0.8, 7, sigma=sigma), REMAINING) for sigma in (0.0, 0.5, 1.0, 2.0, 4.0)}
    values = list(by_noise.values())
    sharing = float(processor_sharing(weibull(30_000, 0.8, 7)).mean())
    assert values == sorted(values)
    assert by_noise[1.0] < sharing < by_noise[4.0]


def test_a_robust_mixture_is_never_far_above_sharing() -> None:
    for sigma in (0.0, 1.0, 4.0):
        jobs = weibull(20_000, 0.8, 11, sigma=sigma)
        assert mean(jobs, ROBUST) < 1.6 * processor_sharing(jobs).mean()
    noisy = weibull(20_000, 0.8, 11, sigma=4.0)
    assert mean(noisy, ROBUST) < mean(noisy, REMAINING)


def test_to_know_the_order_of_the_machines_recovers_most_of_the_loss() -> None:
    """Three machines of speeds 4, 1 and 0.25; the order alone against no knowledge (the mean of all six orders)."""
    jobs = weibull(20_000, 0.5, 13, speed=5.25)
    speeds = (4.0, 1.0, 0.25)
    orders = [(a, b, c) for a in speeds for b in speeds for c in speeds if len({a, b, c}) == 3]
    unknown = np.mean([simulate(jobs, SHORTEST, speeds=order).response_s.mean() for order in orders])
    known = simulate(jobs, SHORTEST, speeds=speeds).response_s.mean()
    ideal = busy_time_bound(replace(jobs, size=jobs.size / 5.25, predicted=jobs.predicted))
    assert known == min(simulate(jobs, SHORTEST, speeds=order).response_s.mean() for order in orders)
    assert unknown - known > 0.5 * (unknown - ideal)


def test_several_equal_machines_follow_erlang() -> None:
    """M/M/3 at load 0.8, first come first served: 1 + 0.6472 / 0.6."""
    jobs = weibull(200_000, 0.8, 17, shape=1.0, speed=3.0)
    found = simulate(jobs, FIRST_COME, speeds=(1.0, 1.0, 1.0)).response_s.mean()
    assert found == pytest.approx(1.0 + 0.6472 / 0.6, rel=0.03)


def test_shortest_remaining_attains_the_bound_and_nothing_passes_it() -> None:
    jobs = weibull(5_000, 0.8, 19)
    remaining = Rules(lambda seen: seen[PREDICTED] - seen[ATTAINED], lambda seen: 0.001 + 0.002 * seen[PREDICTED])
    bound = busy_time_bound(jobs)
    assert bound <= mean(jobs, remaining) < 1.01 * bound


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10_000), st.integers(2, 40), st.sampled_from([(1.0,), (2.0, 0.5), (1.0, 1.0, 1.0)]))
def test_every_schedule_serves_every_job_once(seed: int, n: int, speeds: tuple[float, ...]) -> None:
    jobs = weibull(n, 0.9, seed, sigma=1.0)
    weighted = replace(jobs, weight=np.random.default_rng(seed).choice([1.0, 3.0], n))
    draw = Random(seed)
    schedule = simulate(weighted, Rules(lambda seen: draw.random(), lambda seen: 0.1 + draw.random()), speeds=speeds)
    np.testing.assert_allclose(schedule.served, jobs.size, rtol=1e-9)
    assert np.all(schedule.response_s >= jobs.size / max(speeds) * (1 - 1e-9))
    if speeds == (1.0,):
        found = np.average(schedule.response_s, weights=weighted.weight)
        assert found >= busy_time_bound(weighted) * (1 - 1e-9)


def test_what_is_observed_is_what_is_so() -> None:
    seen: list[list[float]] = []

    def note(observed: Sequence[float]) -> float:
        seen.append(list(observed))
        return observed[NOW]

    two = Jobs(np.array([1.0, 1.5]), np.array([1.0, 2.0]), np.array([2.0, 2.0]), np.array([0, 0]), np.array([1.0, 4.0]))
    simulate(two, Rules(note, lambda observed: 1.5))
    assert len(seen[0]) == len(JOB_FIELDS) + len(SYSTEM_FIELDS)
    assert seen[0] == [0.0, 0.0, 2.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    # The second job's second asking: it has had its quantum, and the first left with an error of ln 2.
    assert seen[2] == pytest.approx([2.0, 1.5, 2.0, 4.0, math.log(2), 1.0, 3.5, 1.0, 1.0, 1.0])


def test_refuses_what_cannot_be() -> None:
    jobs = weibull(3, 0.5, 1)
    with pytest.raises(ValueError, match="job 1 has 0"):
        replace(jobs, size=np.array([1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="job 2 arrives before job 1"):
        replace(jobs, arrival_s=np.array([0.0, 2.0, 1.0]))
    with pytest.raises(ValueError, match="n >= 1"):
        Jobs(*[np.array([])] * 5)
    with pytest.raises(ValueError, match="speeds"):
        simulate(jobs, FIRST_COME, speeds=(1.0, 0.0))
    with pytest.raises(DecisionError, match="rank"):
        simulate(jobs, Rules(lambda seen: math.nan))
    with pytest.raises(DecisionError, match="quantum"):
        simulate(jobs, Rules(lambda seen: 0.0, lambda seen: 0.0))
    with pytest.raises(EventLimitError, match="of 3 jobs are not finished"):
        simulate(jobs, round_robin(1e-4), event_limit=100)
