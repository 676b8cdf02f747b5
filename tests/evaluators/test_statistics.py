"""Paired statistics: closed forms, coverage of the interval, and refusal of unequal workloads."""

import math
from random import Random

import pytest
from speciate.evaluators import SpeciateError
from speciate.evaluators._statistics import gain_of_pairs, sign_flip_p_value


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
