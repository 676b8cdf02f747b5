"""The serving-autoscaler problem: what a scaler is shown, what its workloads are, and what is refused."""

from collections.abc import Sequence

import numpy as np
import pytest
from speciate.evaluators import Candidate, ProblemError, Split, Status, judge_inline, load_problem, measured_headroom
from speciate.search_spaces.serving_autoscaler._interface import FLEET, INTERFACE
from speciate.search_spaces.serving_autoscaler._streams import RateModel, arrivals
from speciate.search_spaces.serving_autoscaler._workloads import case_of
from speciate.simulators.serving import FLEET_FIELDS

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"seconds": "300"}


def scaler(answer: str) -> Candidate:
    return Candidate.from_source(f"def replicas(fleet):\n    return {answer}\n")


def test_the_interface_is_the_simulators_layout() -> None:
    assert FLEET.fields == FLEET_FIELDS
    assert INTERFACE.hook("replicas").width(0) == len(FLEET_FIELDS)


def test_splits_differ_in_seed_in_lag_and_in_shape() -> None:
    problem = load_problem("serving-autoscaler")
    workloads = [problem.workloads(split) for split in SPLITS]
    seeds = [{each.seed for each in some} for some in workloads]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    for name in ("start_s", "swing"):
        values = [{each.params[name] for each in some} for some in workloads]
        assert values[0] != values[1] != values[2] != values[0]


def test_the_rate_is_the_stated_one_and_tides_and_surges_show_in_it() -> None:
    draw = np.random.default_rng(5)
    calm = arrivals(RateModel(3.0), 20_000.0, draw)
    assert len(calm) / 20_000.0 == pytest.approx(3.0, rel=0.03)
    assert np.all(np.diff(calm) >= 0)
    assert calm[-1] <= 20_000.0
    tide = RateModel(3.0, swing=0.8).rates(20_000.0, draw)
    assert (tide.min(), tide.max()) == (pytest.approx(0.6, abs=0.01), pytest.approx(5.4, abs=0.01))
    surges = RateModel(3.0, surge=2.5).rates(200_000.0, draw)
    assert set(np.unique(surges)) == {3.0, 7.5}
    assert (surges == 7.5).mean() == pytest.approx(150.0 / 600.0, abs=0.03)


@pytest.mark.parametrize("wrong", [{"mean": 0.0}, {"swing": 1.0}, {"surge": 0.5}, {"level_s": 0.0}])
def test_an_impossible_rate_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}"):
        RateModel(**({"mean": 3.0} | wrong))


def test_a_workload_starts_with_the_replicas_it_needs_and_a_clock_of_its_own() -> None:
    problem = load_problem("serving-autoscaler", SMALL)
    cases = [case_of(problem.options, each) for split in SPLITS for each in problem.workloads(split)]  # type: ignore[attr-defined]
    assert len({case.fleet.first for case in cases}) > 2
    starts = [float(case.trace.arrival_s[0]) for case in cases]
    assert max(starts) > 2 * min(starts)
    assert min(starts) > 1e4


def test_the_seed_is_plain_target_tracking_and_scores_one() -> None:
    problem = load_problem("serving-autoscaler", SMALL)
    evaluation = judge_inline(problem, problem.seed())
    assert evaluation.score == pytest.approx(1.0, abs=1e-12)
    assert "replica-seconds a request were paid for" in evaluation.measurements[0].feedback
    assert "starting on average" in evaluation.measurements[0].feedback


def test_few_and_many_replicas_cost_more_than_some_and_lie_in_niches_of_their_own() -> None:
    problem = load_problem("serving-autoscaler", SMALL)
    few, some, many = (judge_inline(problem, scaler(size)) for size in ("1", "4", "12"))
    assert (some.score or 9.0) < min(few.score or 0.0, many.score or 0.0)
    provision = [each.descriptors["provision"] for each in (few, some, many)]
    assert provision == sorted(provision)
    assert many.descriptors["starts"] > few.descriptors["starts"] == 0.0


def test_no_baseline_passes_the_bound() -> None:
    problem = load_problem("serving-autoscaler", SMALL)
    bounds = [problem.bound(workload) for workload in problem.workloads("train")]
    for baseline in problem.baselines():
        evaluation = judge_inline(problem, baseline.candidate)
        assert evaluation.status is Status.OK
        for bound, measured in zip(bounds, evaluation.measurements, strict=True):
            assert bound is not None
            assert 0.1 < bound < (measured.objective or 0.0)


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("serving-autoscaler")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()
    assert f"{measured.score:.3f}" in problem.brief()


@pytest.mark.parametrize("options", [{"seconds": "3"}, {"rate": "-1"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"serving-autoscaler, option '{next(iter(options))}'"):
        load_problem("serving-autoscaler", options)
