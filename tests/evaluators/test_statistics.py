"""Paired statistics: closed forms, coverage of the interval, and refusal of unequal workloads."""

import math
from random import Random

import numpy as np
import pytest
from scipy.stats import spearmanr
from speciate.evaluators import Measurement, SpeciateError, Workload
from speciate.evaluators._statistics import (
    claim_over,
    exact_interval,
    gain_of_pairs,
    holm,
    paired_gain,
    repeated_gain,
    sign_flip_p_value,
    spearman,
)
from synthetic_problem import RoutingProblem


def test_a_hand_computed_interval() -> None:
    stats = gain_of_pairs([0.01, 0.02, 0.03, 0.04])
    assert stats.gain == pytest.approx(0.025)
    # t(3, 97.5 %) = 3.18245, sd = 0.0129099, so the half width is 0.0205426.
    assert stats.high - stats.gain == pytest.approx(0.0205426, rel=1e-5)
    assert stats.effect == pytest.approx(0.025 / 0.0129099, rel=1e-5)
    assert stats.wins == 4
    assert stats.excludes_zero


def test_the_sign_flip_test_is_exact_for_few_pairs() -> None:
    # Of the 8 flips of (1, 2, 3) only +++ and --- reach |6|.
    assert sign_flip_p_value([1.0, 2.0, 3.0]) == pytest.approx(2 / 8)
    assert sign_flip_p_value([1.0, -1.0]) == 1.0
    assert sign_flip_p_value([0.0, 0.0]) == 1.0


def test_the_normal_limit_joins_the_exact_test() -> None:
    rng = Random(3)
    pairs = [rng.gauss(0.4, 1.0) for _ in range(14)]
    exact = sign_flip_p_value(pairs)
    limit = math.erfc(abs(sum(pairs)) / math.sqrt(2 * sum(x * x for x in pairs)))
    assert exact == pytest.approx(limit, abs=0.03)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = Random(11)
    covered = 0
    for _ in range(2000):
        stats = gain_of_pairs([rng.gauss(0.05, 0.02) for _ in range(12)])
        covered += stats.low <= 0.05 <= stats.high
    assert 0.935 <= covered / 2000 <= 0.965


def test_equal_pairs_have_no_interval_and_no_effect() -> None:
    assert gain_of_pairs([0.0, 0.0, 0.0]).effect == 0.0
    assert not gain_of_pairs([0.0, 0.0, 0.0]).excludes_zero
    assert gain_of_pairs([0.1, 0.1]).effect > 1e6


def test_one_pair_is_refused() -> None:
    with pytest.raises(SpeciateError, match="at least 2 seeds, got 1"):
        gain_of_pairs([0.1])


def test_the_exact_interval_is_read_off_the_subset_means() -> None:
    # Of the 63 subset means of six gains one is skipped at either end: the smallest gain and the largest remain.
    assert exact_interval([0.01, 0.02, 0.03, 0.05, 0.08, 0.13]) == (0.01, 0.13)
    assert exact_interval([0.01, 0.02, 0.03, 0.05, 0.08]) == (-math.inf, math.inf)


@pytest.mark.parametrize("pairs", [6, 12, 20])
def test_the_exact_interval_covers_the_truth_as_often_as_it_says(pairs: int) -> None:
    rng, covered, runs = Random(12), 0, 400 if pairs < 20 else 200
    for _ in range(runs):
        # Far from normal, but symmetric.
        low, high = exact_interval([0.05 + 0.02 * rng.choice((-1, 1)) * rng.expovariate(1) for _ in range(pairs)])
        covered += low <= 0.05 <= high
    assert 0.915 <= covered / runs <= 0.99


def test_an_outlier_that_student_believes_is_not_better() -> None:
    gain = gain_of_pairs([0.02, 0.021, 0.02, 0.022, 0.02, 0.021, -0.001, -0.001])
    assert gain.low > 0
    assert gain.exact_low > 0
    assert gain.better
    assert not gain_of_pairs([0.02] * 5 + [-0.05]).better


def test_repetitions_are_the_pairs_where_seeds_are_few() -> None:
    rng = Random(1)
    workloads = [Workload(name="only", split="heldout", seed=0)]
    ours = [[Measurement(workload="only", objective=1.0 + 0.01 * rng.random())] for _ in range(8)]
    theirs = [[Measurement(workload="only", objective=1.1 + 0.01 * rng.random())] for _ in range(8)]
    gain = repeated_gain(RoutingProblem(), workloads, ours, theirs)
    assert (gain.unit, len(gain.pairs), gain.better) == ("repetition", 8, True)
    with pytest.raises(SpeciateError, match="as many repetitions of either design, got 8 and 7"):
        repeated_gain(RoutingProblem(), workloads, ours, theirs[:7])


def test_repetitions_are_averaged_where_there_are_seeds() -> None:
    workloads = [Workload(name=f"w{i}", split="heldout", seed=i) for i in range(6)]

    def measured(*objectives: float) -> list[list[Measurement]]:
        return [[Measurement(workload=w.name, objective=x * (1 + w.seed)) for w in workloads] for x in objectives]

    gain = repeated_gain(RoutingProblem(), workloads, measured(1.0, 3.0), measured(4.0, 4.0))
    assert gain.unit == "seed"
    assert gain.pairs == pytest.approx((0.5,) * 6)


def test_a_score_of_zero_is_no_reason_to_fail() -> None:
    workloads = [Workload(name=f"w{i}", split="heldout", seed=i) for i in range(2)]
    ours = [Measurement(workload="w0", objective=0.0), Measurement(workload="w1", objective=1.0)]
    theirs = [Measurement(workload="w0", objective=0.0), Measurement(workload="w1", objective=4.0)]
    assert paired_gain(RoutingProblem(), workloads, ours, theirs).pairs == (0.0, 1.5)


def test_a_claim_needs_every_rival() -> None:
    sure, unsure = gain_of_pairs([0.1, 0.11, 0.12, 0.1]), gain_of_pairs([0.1, -0.2, 0.15, 0.01])
    assert claim_over({"a": sure, "b": sure}).holds
    claim = claim_over({"a": sure, "b": unsure})
    assert (claim.holds, claim.weakest, claim.p_value) == (False, "b", unsure.p_value)
    assert claim_over({"a": sure, "b": gain_of_pairs([-0.1, -0.2])}).p_value == 1.0
    assert not claim_over({}).holds


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([]) == ()


def test_rank_correlation_is_spearmans_also_with_ties() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        one, other = rng.integers(0, 9, 12), rng.normal(size=12)
        assert spearman(one.tolist(), other.tolist()) == pytest.approx(float(spearmanr(one, other).statistic))
    assert spearman([1.0, 2.0, 3.0], [10.0, 20.0, 21.0]) == pytest.approx(1.0)
    assert spearman([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == pytest.approx(-1.0)
    assert spearman([1.0, 1.0], [1.0, 2.0]) is None
    assert spearman([], []) is None
    with pytest.raises(ValueError, match="2 and 1"):
        spearman([1.0, 2.0], [1.0])
