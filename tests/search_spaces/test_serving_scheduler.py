"""The serving-scheduler problem: what a scheduler is shown, what the yardsticks say, and what is refused."""

from collections.abc import Sequence
from pathlib import Path

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
from speciate.search_spaces.serving_scheduler._interface import ENGINE, INTERFACE, JOB
from speciate.search_spaces.serving_scheduler._workloads import SchedulerOptions, case_of
from speciate.simulators.serving import ENGINE_FIELDS, JOB_FIELDS

SPLITS: Sequence[Split] = ("train", "validation", "heldout")
SMALL = {"requests": "200"}


def azure(path: Path, requests: int) -> str:
    draw = np.random.default_rng(1)
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    for at in range(requests):
        tokens = f"{int(draw.integers(50, 3000))},{int(draw.integers(5, 600))}"
        lines.append(f"2023-11-16 18:{at // 60 % 60:02d}:{at % 60:02d}.0000000,{tokens}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def scheduler(**bodies: str) -> Candidate:
    seed = {"rank": "engine.now - job.waited", "chunk": "engine.budget", "evict": "-job.resident", "swap": "0"}
    hooks = (seed | bodies).items()
    return Candidate.from_source("".join(f"def {name}(job, engine):\n    return {body}\n" for name, body in hooks))


def test_the_interface_is_the_simulators_layout() -> None:
    assert JOB.fields == JOB_FIELDS
    assert ENGINE.fields == ENGINE_FIELDS
    assert INTERFACE.hook("evict").width(0) == len(JOB_FIELDS) + len(ENGINE_FIELDS)


def test_splits_differ_in_seed_and_in_parameters_and_train_is_small() -> None:
    problem = load_problem("serving-scheduler")
    workloads = {split: problem.workloads(split) for split in SPLITS}
    seeds = [{each.seed for each in workloads[split]} for split in SPLITS]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    for name in ("load", "block_s"):
        values = [{each.params[name] for each in workloads[split]} for split in SPLITS]
        assert values[0] != values[1] != values[2] != values[0]
    assert sum(int(each.params["requests"]) for each in workloads["train"]) <= 4000


def test_a_change_of_the_load_leaves_requests_and_classes_as_they_are() -> None:
    problem = load_problem("serving-scheduler", SMALL)
    first, _, third = (case_of(problem.options, each) for each in problem.workloads("train")[:3])  # type: ignore[attr-defined]
    np.testing.assert_array_equal(first.trace.prompt_tokens.shape, third.trace.prompt_tokens.shape)
    assert 0.1 < first.documents.mean() < 0.5
    assert first.trace.prompt_tokens[first.documents].mean() > 2 * first.trace.prompt_tokens[~first.documents].mean()
    assert first.trace.arrival_s[0] > 1e4


def test_the_seed_is_first_come_first_served_and_scores_one() -> None:
    problem = load_problem("serving-scheduler", SMALL)
    evaluation = judge_inline(problem, problem.seed())
    assert evaluation.score == pytest.approx(1.0, abs=1e-12)
    assert "chats (" in evaluation.measurements[0].feedback
    assert "documents (" in evaluation.measurements[0].feedback


def test_every_baseline_but_the_control_beats_first_come_and_none_passes_the_bound() -> None:
    problem = load_problem("serving-scheduler", SMALL)
    for baseline in problem.baselines():
        evaluation = judge_inline(problem, baseline.candidate)
        assert evaluation.status is Status.OK
        if baseline.name not in ("first-come", "uniform-random"):
            assert (evaluation.score or 9.0) < 0.95
        for workload, measured in zip(problem.workloads("train"), evaluation.measurements, strict=True):
            bound = problem.bound(workload)
            assert bound is not None
            assert 0.05 < bound < (measured.objective or 0.0)


def test_endless_preemption_costs_the_candidate_its_evaluation() -> None:
    problem = load_problem("serving-scheduler", SMALL)
    evaluation = judge_inline(problem, scheduler(rank="-job.preemptions", evict="1", chunk="1"))
    assert evaluation.status is Status.INCORRECT
    assert "preempts without end" in evaluation.detail


def test_a_log_is_cut_into_parts_of_its_own_for_each_split(tmp_path: Path) -> None:
    options = {"trace": azure(tmp_path / "log.csv", 2400), "requests": "200"}
    problem = load_problem("serving-scheduler", options)
    spans = [
        {at for each in problem.workloads(split) for at in range(each.seed, each.seed + int(each.params["requests"]))}
        for split in SPLITS
    ]
    assert len(set.union(*spans)) == sum(map(len, spans))
    assert judge_inline(problem, problem.seed()).score == pytest.approx(1.0, abs=1e-12)


def test_a_log_that_is_short_or_stands_still_is_refused(tmp_path: Path) -> None:
    short = SchedulerOptions(trace=Path(azure(tmp_path / "short.csv", 300)))
    with pytest.raises(ProblemError, match="expected at least 1000 requests in the file, got 300"):
        load_problem("serving-scheduler", {"trace": str(short.trace)}).workloads("train")
    still = tmp_path / "still.csv"
    still.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "2023-11-16 18:00:00.0,100,10\n" * 1200)
    problem = load_problem("serving-scheduler", {"trace": str(still)})
    with pytest.raises(ProblemError, match="arrive at once"):
        judge_inline(problem, problem.seed())


def test_the_headroom_that_tuning_measured_is_in_the_folder_and_in_the_brief() -> None:
    problem = load_problem("serving-scheduler")
    measured = measured_headroom(problem.tuned)
    assert measured is not None
    assert measured.to_bound is not None
    assert f"{100 * measured.to_bound:.0f} %" in problem.brief()
    assert f"{measured.score:.3f}" in problem.brief()


@pytest.mark.parametrize("options", [{"requests": "3"}, {"heldout_seeds": "1"}, {"colour": "blue"}])
def test_a_wrong_option_is_named(options: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match=f"serving-scheduler, option '{next(iter(options))}'"):
        load_problem("serving-scheduler", options)
