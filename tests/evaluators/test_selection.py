"""Best-arm selection on judges of known truth: often right, never over budget, soon done where it is easy."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.evaluators import SpeciateError
from speciate.evaluators._selection import Pull, Selection
from support.known_truth import BUDGET, found_best, run


def test_a_gap_of_one_sigma_among_twenty_is_found_where_one_measurement_each_finds_a_quarter() -> None:
    right, naive, most = found_best([-1.0] + [0.0] * 19, seed=1)
    assert right >= 0.95
    assert 0.15 <= naive <= 0.35
    assert most <= BUDGET


def test_unequal_means_are_no_harder() -> None:
    right, naive, most = found_best([-1.0] + [0.15 * rank for rank in range(19)], seed=2)
    assert right >= 0.95
    assert naive <= 0.6
    assert most <= BUDGET


def test_common_random_numbers_take_shared_noise_out() -> None:
    right, _, _ = found_best([-1.0] + [0.0] * 19, seed=3, shared=5.0)
    assert right >= 0.95


def test_a_wide_gap_ends_the_race_early() -> None:
    rng = Random(4)
    choice = run(20, BUDGET, lambda pull: (-20.0 if pull.arm == 7 else 0.0) + rng.gauss(0, 1))
    assert (choice.arm, choice.decided) == (7, True)
    assert choice.measurements < BUDGET / 2


def test_equal_arms_use_the_budget_and_decide_nothing() -> None:
    rng = Random(5)
    undecided = sum(not run(2, 16, lambda pull: rng.gauss(0, 1)).decided for _ in range(400))
    # Intervals may drop one of two equal arms in at most 5 % of the runs on either side.
    assert undecided >= 400 * 0.95


def test_a_failed_arm_leaves_the_race_and_never_wins() -> None:
    choice = run(3, 30, lambda pull: None if pull.arm == 0 and pull.repetition == 2 else float(pull.arm))
    assert choice.arm == 1
    assert choice.means[0] is None
    assert run(2, 8, lambda pull: None).arm is None


def test_what_is_known_already_need_not_be_measured_again() -> None:
    rng, rows = Random(6), {}

    def measure(pull: Pull) -> float:
        return rows.setdefault(pull, pull.arm * 0.3 + rng.gauss(0, 1))

    whole = run(5, 60, measure)
    cut = Selection(5, 60)
    for _ in range(4):
        for pull in cut.wanted()[:3]:
            cut.tell(pull, rows[pull])
    made = len(rows)
    assert run(5, 60, measure) == whole
    assert len(rows) == made


@given(arms=st.integers(1, 24), extra=st.integers(0, 80), seed=st.integers(0, 99))
def test_the_budget_is_never_passed_and_someone_always_wins(arms: int, extra: int, seed: int) -> None:
    rng = Random(seed)
    told = []
    choice = run(arms, arms + extra, lambda pull: told.append(pull) or rng.random())
    assert choice.arm is not None
    assert len(told) == len(set(told)) == choice.measurements <= arms + extra


def test_a_budget_too_small_and_an_unwanted_answer_are_refused() -> None:
    with pytest.raises(SpeciateError, match="at least one measurement an arm, got budget=2 for arms=3"):
        Selection(3, 2)
    with pytest.raises(SpeciateError, match="asked for"):
        Selection(2, 8).tell(Pull(0, 1), 1.0)
