"""The pipeline-schedule problem: what a schedule is shown, what baselines reach, and what the feedback adds up to."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    Evaluation,
    ProblemError,
    Split,
    Status,
    judge_inline,
    load_problem,
    measured_headroom,
)
from speciate.search_spaces.pipeline_schedule._interface import DEVICE, PIPELINE, STEP
from speciate.search_spaces.pipeline_schedule._schedule import PipelineSchedule
from speciate.search_spaces.pipeline_schedule._workloads import MIXES, generate, pipeline_of
from speciate.simulators.training import DEVICE_FIELDS, PASS_FIELDS, PIPELINE_FIELDS

SPLITS: Sequence[Split] = ("train", "validation", "heldout")


def pipeline_schedule(options: dict[str, str]) -> PipelineSchedule:
    problem = load_problem("pipeline-schedule", options)
    assert isinstance(problem, PipelineSchedule)
    return problem


@pytest.fixture(scope="module")
def judged() -> dict[str, Evaluation]:
    problem = pipeline_schedule({})
    return {b.name: judge_inline(problem, b.candidate) for b in problem.baselines()}


def test_the_interface_is_the_simulators_layout() -> None:
    assert (STEP.fields, DEVICE.fields, PIPELINE.fields) == (PASS_FIELDS, DEVICE_FIELDS, PIPELINE_FIELDS)


def test_splits_differ_in_seed_and_in_a_parameter() -> None:
    problem = pipeline_schedule({})
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    assert not set(MIXES["train"].values()) & set(MIXES["validation"].values())
    assert not set(MIXES["heldout"].values()) & (set(MIXES["train"].values()) | set(MIXES["validation"].values()))


def test_lengths_stages_and_memory_are_what_the_mix_says() -> None:
    mix = MIXES["train"]["packed"]._replace(micro_batches=2_000)
    plain = generate(mix._replace(lengths=0.0, uneven=0.0), 3)
    assert np.ptp(plain.forward_s) == 0.0
    assert plain.capacity.tolist() == [mix.memory * mix.devices] * mix.devices
    skewed = generate(mix, 3)
    assert np.log(skewed.activation[0]).std() == pytest.approx(mix.lengths, rel=0.1)
    assert skewed.activation[0].mean() == pytest.approx(1.0)
    # Attention is a quarter of a mean forward pass, takes twice as long backward, and has no weights.
    assert plain.backward_s[0, 0] / plain.forward_s[0, 0] == pytest.approx(1.25)
    assert plain.weight_s[0, 0] / plain.forward_s[0, 0] == pytest.approx(0.75)
    same = generate(mix._replace(uneven=0.5), 3)
    np.testing.assert_array_equal(same.activation, skewed.activation)


def test_stages_of_a_device_share_its_work_and_memory() -> None:
    mix = MIXES["train"]["vee"]._replace(lengths=0.0, uneven=0.0)
    split, whole = (generate(each, 1) for each in (mix, mix._replace(layout="plain")))
    np.testing.assert_allclose(split.work_s(), whole.work_s())
    assert split.activation[0, 0] == whole.activation[0, 0] / 2


def test_schedules_stand_in_the_order_of_the_literature(judged: dict[str, Evaluation]) -> None:
    """Bubbles: a random order has more than 1F1B's kin, and those that put off weights' passes have less."""
    scores = {name: evaluation.score or 0.0 for name, evaluation in judged.items()}
    assert all(evaluation.status is Status.OK for evaluation in judged.values())
    zero_bubble = min(scores["zero-bubble-h1"], scores["zero-bubble-h2"], scores["bubble-filling"])
    assert 1.0 < zero_bubble < scores["one-forward-one-backward"]
    assert min(scores.values()) < scores["uniform-random"]


def test_kinds_of_schedules_lie_in_niches_of_their_own(judged: dict[str, Evaluation]) -> None:
    found = {name: evaluation.descriptors for name, evaluation in judged.items()}
    assert found["one-forward-one-backward"]["lag"] < 0.1 < found["zero-bubble-h2"]["lag"]
    axes = PipelineSchedule.descriptors
    cells = {tuple(int((d[a.name] - a.low) / (a.high - a.low) * a.bins) for a in axes) for d in found.values()}
    assert len(cells) >= 4


def test_feedback_accounts_for_all_idle_time_of_the_device_that_sets_the_period() -> None:
    problem = pipeline_schedule({})
    evaluation = judge_inline(problem, problem.seed())
    for workload, measurement in zip(problem.workloads("train"), evaluation.measurements, strict=True):
        pipeline = pipeline_of(problem.options, workload)
        told = measurement.feedback.splitlines()
        parts = [float(each) for each in re.findall(r"([\d.]+) %", told[1])]
        spans = [float(each) for each in re.findall(r"(\d+) %", told[2].partition(";")[0])]
        assert len(parts) == 3
        assert len(spans) == pipeline.devices
        slowest = int(re.findall(r"device (\d+)", told[1])[0])
        assert sum(parts) == pytest.approx(spans[slowest], abs=0.7)


def test_no_order_is_better_than_the_bound(judged: dict[str, Evaluation]) -> None:
    problem = pipeline_schedule({})
    for at, workload in enumerate(problem.workloads("train")):
        bound = problem.bound(workload)
        assert bound >= 1.0
        assert all(evaluation.measurements[at].objective >= bound for evaluation in judged.values())


def test_a_schedule_that_always_waits_ends_and_is_bad() -> None:
    waiting = Candidate.from_source("def rank(step, device, pipeline):\n    return 1.0\n")
    evaluation = judge_inline(pipeline_schedule({}), waiting)
    assert evaluation.status is Status.OK
    assert (evaluation.score or 0.0) > 3.0


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("pipeline-schedule")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()


@pytest.mark.parametrize("options", [{"scale": "0"}, {"heldout_seeds": "1"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"pipeline-schedule, option '{next(iter(options))}'"):
        load_problem("pipeline-schedule", options)
