"""Groups and gains on held-out workloads."""

import pytest
from speciate.evaluators import Measurement, Problem, Workload
from speciate.runs._heldout import gain_over, group_labels, groups_of, metric_rows, workload_rows


def workloads() -> list[Workload]:
    return [
        Workload(name=f"s{seed}/l{load}", split="heldout", seed=seed, params={"load": load, "first": 100 * seed})
        for seed in (1, 2, 3)
        for load in (0.8, 1.0)
    ]


def measured(objectives: list[float]) -> list[Measurement]:
    return [
        Measurement(workload=workload.name, objective=objective, metrics={"p99_s": 2 * objective, "zero": 0.0})
        for workload, objective in zip(workloads(), objectives, strict=True)
    ]


def test_a_parameter_that_the_seed_fixes_makes_no_group() -> None:
    assert set(group_labels(workloads()).values()) == {"load 0.8", "load 1.0"}
    one_load = [w for w in workloads() if w.params["load"] == 1.0]
    assert set(group_labels(one_load).values()) == {"all"}


def test_groups_hold_the_gain_of_each_workload_and_an_interval(lanes: Problem) -> None:
    ours, theirs = measured([1, 2, 1, 2, 1, 2]), measured([2, 2, 2, 2, 2, 4])
    rows = workload_rows(lanes, workloads(), ours, theirs)
    low, high = groups_of(rows, {"champion": ours, "other": theirs, "missing": ()})
    assert (low.label, low.gains, low.gain) == ("load 0.8", (0.5, 0.5, 0.5), 0.5)
    assert (low.low, low.high) == (0.5, 0.5)
    assert high.gains == (0.0, 0.0, 0.5)
    assert high.low is not None
    assert high.low < 0 < (high.high or 0)
    assert low.objectives == {"champion": 1.0, "other": 2.0}


def test_what_was_not_measured_has_no_gain(lanes: Problem) -> None:
    rows = workload_rows(lanes, workloads(), measured([1] * 6), [])
    assert {row.gain for row in rows} == {None}
    assert gain_over(lanes, workloads(), measured([1] * 6), []) is None
    assert groups_of(rows, {})[0].gain is None


def test_a_gain_without_spread_has_no_effect_size(lanes: Problem) -> None:
    gain = gain_over(lanes, workloads(), [measured([1] * 6)], [measured([2] * 6)])
    assert gain is not None
    assert (gain.gain, gain.effect, gain.wins) == (0.5, None, 3)
    assert "no spread" in gain.words


def test_metrics_are_means_and_a_zero_has_no_relative_change() -> None:
    p99, zero = metric_rows(measured([1, 2, 3, 1, 2, 3]), measured([4] * 6))
    assert (p99.champion, p99.baseline) == pytest.approx((4.0, 8.0))
    assert p99.change == pytest.approx(-0.5)
    assert zero.change is None
