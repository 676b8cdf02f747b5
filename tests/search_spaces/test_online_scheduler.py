"""The online-scheduler problem: what a scheduler is shown, what the yardsticks say, and what is refused."""

from collections.abc import Sequence

import numpy as np
import pytest
from speciate.evaluators import (
    Candidate,
    ProblemError,
    Split,
    Status,
    judge_inline,
    load_problem,
    measured_headroom,
)
from speciate.search_spaces.online_scheduler._interface import INTERFACE, JOB, SYSTEM
from speciate.search_spaces.online_scheduler._workloads import JobModel, generate, jobs_of
from speciate.simulators.queueing import JOB_FIELDS, SYSTEM_FIELDS

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"jobs": "600"}


def scheduler(rank: str, quantum: str = "1e9") -> Candidate:
    return Candidate.from_source(
        f"def rank(job, system):\n    return {rank}\ndef quantum(job, system):\n    return {quantum}\n"
    )


def test_the_interface_is_the_simulators_layout() -> None:
    assert JOB.fields == JOB_FIELDS
    assert SYSTEM.fields == SYSTEM_FIELDS
    assert INTERFACE.hook("rank").width(0) == len(JOB_FIELDS) + len(SYSTEM_FIELDS)


def test_splits_differ_in_seed_and_in_a_parameter() -> None:
    problem = load_problem("online-scheduler")
    seeds = [{w.seed for w in problem.workloads(s)} for s in SPLITS]
    loads = [{w.params["load"] for w in problem.workloads(s)} for s in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    assert loads[0] != loads[1] != loads[2] != loads[0]


def test_which_predictor_is_good_and_when_a_run_begins_differ_by_workload() -> None:
    problem = load_problem("online-scheduler", SMALL)
    errors, starts = [], []
    for workload in [each for split in SPLITS for each in problem.workloads(split)]:
        jobs = jobs_of(problem.options, workload)  # type: ignore[attr-defined]
        error = np.abs(np.log(jobs.predicted / jobs.size))
        errors.append(int(np.argmin([error[jobs.predictor == each].mean() for each in range(3)])))
        starts.append(jobs.arrival_s[0])
    assert set(errors) == {0, 1, 2}
    assert max(starts) > 2 * min(starts)


def test_a_change_of_the_load_leaves_sizes_and_predictions_as_they_are() -> None:
    calm, busy = (generate(JobModel(load, 500), 3) for load in (0.5, 0.9))
    np.testing.assert_array_equal(calm.size, busy.size)
    np.testing.assert_array_equal(calm.predicted, busy.predicted)
    assert np.ptp(busy.arrival_s) < np.ptp(calm.arrival_s)


def test_round_robin_of_short_quanta_scores_as_processor_sharing() -> None:
    problem = load_problem("online-scheduler", SMALL)
    evaluation = judge_inline(problem, scheduler("system.now", "0.05"))
    assert evaluation.score == pytest.approx(1.0, abs=0.05)
    assert "quanta a job" in evaluation.measurements[0].feedback


def test_trust_by_error_beats_blind_trust_and_no_trust() -> None:
    problem = load_problem("online-scheduler", SMALL)
    scores = {b.name: judge_inline(problem, b.candidate).score for b in problem.baselines()}
    assert all(score is not None for score in scores.values())
    ladder = [scores[name] or 0.0 for name in ("trust-by-error", "shortest-predicted", "round-robin", "first-come")]
    assert ladder == sorted(ladder)


def test_kinds_of_schedulers_lie_in_niches_of_their_own() -> None:
    problem = load_problem("online-scheduler", SMALL)
    found = {b.name: judge_inline(problem, b.candidate).descriptors for b in problem.baselines()}
    assert found["first-come"]["preemptions"] == 0.0
    assert found["first-come"]["size_bias"] < found["least-attained"]["size_bias"]
    assert found["round-robin"]["preemptions"] < found["least-attained"]["preemptions"]


def test_quanta_without_end_cost_the_candidate_its_evaluation() -> None:
    problem = load_problem("online-scheduler", {"jobs": "200"})
    evaluation = judge_inline(problem, scheduler("0.0", "0.02"))
    assert evaluation.status is Status.INCORRECT
    assert "quanta are too short" in evaluation.detail


def test_no_schedule_is_better_than_the_bound() -> None:
    problem = load_problem("online-scheduler", SMALL)
    for workload in problem.workloads("train"):
        bound = problem.bound(workload)
        assert bound is not None
        assert 0.2 < bound < 0.7


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("online-scheduler")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()


@pytest.mark.parametrize("options", [{"jobs": "3"}, {"shape": "9"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"online-scheduler, option '{next(iter(options))}'"):
        load_problem("online-scheduler", options)
