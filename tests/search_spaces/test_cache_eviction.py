"""The cache-eviction problem: what a policy is shown, how its workloads differ, and what is refused."""

from collections.abc import Sequence

import numpy as np
import pytest
from speciate.evaluators import Candidate, ProblemError, Split, Status, judge_inline, load_problem, measured_headroom
from speciate.search_spaces.cache_eviction._interface import CACHE, INTERFACE, OBJECT
from speciate.search_spaces.cache_eviction._workloads import MIXES, Mix, TrafficModel, generate
from speciate.simulators.cache import CACHE_FIELDS, OBJECT_FIELDS

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"requests": "2500", "capacity": "80"}


def policy(priority: str, review: str = "item.priority") -> Candidate:
    text = f"def priority(item, cache):\n    return {priority}\ndef review(item, cache):\n    return {review}\n"
    return Candidate.from_source(text)


def test_the_interface_is_the_simulators_layout() -> None:
    assert OBJECT.fields == OBJECT_FIELDS
    assert CACHE.fields == CACHE_FIELDS
    assert INTERFACE.hook("priority").width(0) == len(OBJECT_FIELDS) + len(CACHE_FIELDS)


def test_splits_differ_in_seed_and_in_every_mix() -> None:
    problem = load_problem("cache-eviction")
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    mixes = [mix for split in SPLITS for mix in MIXES[split].values()]
    assert len(set(mixes)) == len(mixes)


def test_traffic_has_the_shares_that_its_mix_says() -> None:
    mix = Mix(skew=0.9, churn=10, scans=0.15, loops=0.25, sigma=0.5, later=0.5)
    requests = generate(TrafficModel(60_000, 100, mix), 3)
    popular, round_ = 1500, 120
    looped = (requests.objects >= popular) & (requests.objects < popular + round_)
    scanned = requests.objects >= popular + round_
    assert looped.mean() == pytest.approx(0.25, abs=0.02)
    assert scanned.mean() == pytest.approx(0.15, abs=0.02)
    assert len(np.unique(requests.objects[scanned])) == scanned.sum()


def test_guesses_turn_from_good_to_bad_half_way_and_leave_the_traffic_as_it_is() -> None:
    turning, steady = (Mix(0.9, 10, 0.1, 0.1, 0.4, later) for later in (4.0, 0.4))
    one, other = (generate(TrafficModel(8000, 100, mix), 5) for mix in (turning, steady))
    np.testing.assert_array_equal(one.objects, other.objects)
    np.testing.assert_array_equal(one.predicted[:4000], other.predicted[:4000])
    ratio = np.abs(np.log(one.predicted[4000:] / other.predicted[4000:]))
    assert np.median(ratio) > 1.5


def test_trust_by_error_is_near_the_blind_oracle_where_guesses_are_good_and_beats_lru_where_they_are_not() -> None:
    problem = load_problem("cache-eviction", SMALL)
    found = {
        b.name: {m.workload.split("/")[1]: m.objective for m in judge_inline(problem, b.candidate).measurements}
        for b in problem.baselines()
        if b.name in ("trust-by-error", "blind-oracle", "least-recent")
    }
    trusting, blind, recent = found["trust-by-error"], found["blind-oracle"], found["least-recent"]
    assert trusting["good-guesses"] < 1.05 * blind["good-guesses"] < recent["good-guesses"]
    assert trusting["poor-guesses"] < recent["poor-guesses"] < blind["poor-guesses"]


def test_kinds_of_policies_lie_in_niches_of_their_own() -> None:
    problem = load_problem("cache-eviction", SMALL)
    found = {b.name: judge_inline(problem, b.candidate).descriptors for b in problem.baselines()}
    assert found["clock"]["second_looks"] > 0.05 > found["least-recent"]["second_looks"] == 0.0
    assert found["blind-oracle"]["victim_idle"] < found["sieve"]["victim_idle"] < found["least-recent"]["victim_idle"]


def test_belady_bounds_every_baseline() -> None:
    problem = load_problem("cache-eviction", SMALL)
    for baseline in problem.baselines():
        evaluation = judge_inline(problem, baseline.candidate)
        assert evaluation.status is Status.OK
        for measurement, workload in zip(evaluation.measurements, problem.workloads("train"), strict=True):
            assert measurement.objective >= (problem.bound(workload) or 0.0)


def test_reviews_without_end_cost_the_candidate_its_evaluation() -> None:
    problem = load_problem("cache-eviction", {"requests": "2000", "capacity": "200"})
    evaluation = judge_inline(problem, policy("cache.now", "cache.now + 1.0"))
    assert evaluation.status is Status.INCORRECT
    assert "reviews do not end" in evaluation.detail


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("cache-eviction")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()


@pytest.mark.parametrize("options", [{"requests": "3"}, {"capacity": "0"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"cache-eviction, option '{next(iter(options))}'"):
        load_problem("cache-eviction", options)
