"""The speedups of a kernel's report: over the best known form, whose time is 1, and over an expert's."""

import math
from collections.abc import Sequence

import pytest
from speciate.evaluators import Measurement, Problem, ProblemRef, problem_of
from speciate.runs._speedup import BEST_FORM, fast_words, speedup_words, speedups_of


@pytest.fixture(scope="module")
def rope() -> Problem:
    return problem_of(ProblemRef(name="rope"))


def repeated(problem: Problem, times: Sequence[float]) -> list[list[Measurement]]:
    """Return a repetition for each of ``times``, the same at all sizes."""
    names = [workload.name for workload in problem.workloads("heldout")]
    return [[Measurement(workload=name, objective=each) for name in names] for each in times]


def test_half_the_time_is_twice_the_speed_and_no_spread_is_no_width(rope: Problem) -> None:
    bar, expert = speedups_of(rope, repeated(rope, [0.5] * 4), {"avx": repeated(rope, [0.25] * 4)})
    assert (bar.over, bar.repetitions) == (BEST_FORM, 4)
    assert (bar.value, bar.low, bar.high) == pytest.approx((2.0, 2.0, 2.0))
    assert (expert.over, expert.value) == ("avx", pytest.approx(0.5))


def test_sizes_count_alike_and_the_interval_is_students_on_logarithms(rope: Problem) -> None:
    times = [0.4, 0.5, 0.625]
    (bar,) = speedups_of(rope, repeated(rope, times), {})
    # Student's t for two degrees of freedom at 97.5 %: 4.303; logarithms are 0.223 apart.
    half = 4.303 * math.log(1.25) / math.sqrt(3)
    assert bar.value == pytest.approx(2.0)
    assert math.log(bar.high / bar.value) == pytest.approx(half, rel=1e-3)
    assert bar.value / bar.low == pytest.approx(bar.high / bar.value)


def test_what_one_size_loses_another_can_win_back(rope: Problem) -> None:
    slow, *fast = repeated(rope, [0.25])[0]
    mixed = [slow.model_copy(update={"objective": 4.0 ** len(fast)}), *fast]
    (bar,) = speedups_of(rope, [mixed, mixed], {})
    assert bar.value == pytest.approx(1.0)


def test_an_expert_that_was_measured_less_often_is_paired_with_what_there_is(rope: Problem) -> None:
    ours = repeated(rope, [0.5] * 4)
    found = speedups_of(rope, ours, {"twice": repeated(rope, [1.0] * 2), "once": repeated(rope, [1.0])})
    assert [(each.over, each.repetitions) for each in found] == [(BEST_FORM, 4), ("twice", 2)]
    words = speedup_words(found)
    assert "2.00 [2.00, 2.00] times as fast as the best known form" in words
    assert "once" not in words


def test_what_is_no_kernel_or_only_modelled_has_none(lanes: Problem) -> None:
    modelled = problem_of(ProblemRef(name="rope", options={"language": "cuda"}))
    assert speedups_of(modelled, repeated(modelled, [0.5] * 4), {}) == ()
    assert speedups_of(lanes, [], {}) == ()
    assert speedup_words(()) == ""


def test_kernels_are_counted_by_how_much_faster_they_are() -> None:
    told = fast_words([0.5, 1.0, 2.0, 4.0])
    assert told.startswith("Geometric mean of all 4: 1.41.")
    assert told.endswith("(fast_p): 3 at p = 0.8, 2 at p = 1, 2 at p = 1.5, 1 at p = 2.")
