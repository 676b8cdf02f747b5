"""The ladder on a real problem: each rung stops what it should, and a fault is a status, never a number."""

import os
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from speciate.evaluators import (
    Candidate,
    Evaluation,
    InlineExecutor,
    JudgeTask,
    LocalExecutor,
    ProblemRef,
    Status,
    judge,
    judge_inline,
    load_problem,
)
from speciate.evaluators._ladder import REJUDGED_OTHER, REJUDGED_SHARE, TOLD_APART, _drawn

SMALL = ProblemRef(name="serving-router", options={"requests": "200"})
HONEST = """
def key(request):
    return request.arrival


def place(head, view):
    return min(view.replicas, key=lambda r: (r.running + r.queued, r.index)).index
"""


def task(source: str, **changes: object) -> JudgeTask:
    given = {"problem": SMALL, "candidate": Candidate.from_source(source), "sandbox": "process"} | changes
    return JudgeTask.model_validate(given)


class Remembered:
    """A cache that knows one evaluation."""

    def __init__(self, evaluation: Evaluation):
        self.evaluation = evaluation

    def by_source(self, candidate_id: str) -> Evaluation | None:
        return self.evaluation if candidate_id == self.evaluation.candidate else None

    def by_decisions(self, decision_hash: str) -> Evaluation | None:
        return self.evaluation if decision_hash == self.evaluation.decision_hash else None


def test_an_honest_candidate_is_scored_on_every_workload() -> None:
    evaluation = judge(task(HONEST))
    problem = load_problem(SMALL.name, SMALL.options)
    assert evaluation.status is Status.OK
    # Least outstanding is the unit of the score.
    assert evaluation.score == pytest.approx(1.0)
    assert [m.workload for m in evaluation.measurements] == [w.name for w in problem.workloads("train")]
    assert set(evaluation.descriptors) == {axis.name for axis in problem.descriptors}
    assert evaluation.cost.decisions >= 2 * 6 * 200
    assert evaluation.cost.cpu_s > 0


def test_a_judging_repeats_itself_and_the_boundary_changes_nothing() -> None:
    first, again = judge(task(HONEST)), judge(task(HONEST))
    inline = judge_inline(load_problem(SMALL.name, SMALL.options), Candidate.from_source(HONEST))

    def facts(evaluation: Evaluation) -> object:
        return evaluation.score, evaluation.descriptors, [m.metrics for m in evaluation.measurements]

    assert facts(first) == facts(again) == facts(inline)


def test_splits_share_no_workload() -> None:
    problem = load_problem("serving-router")
    names = [{w.name for w in problem.workloads(s)} for s in ("train", "validation", "heldout")]
    seeds = [{w.seed for w in problem.workloads(s)} for s in ("train", "validation", "heldout")]
    assert not names[0] & names[1] | names[1] & names[2] | names[0] & names[2]
    assert not seeds[0] & seeds[1] | seeds[1] & seeds[2] | seeds[0] & seeds[2]


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        ("def key(request: return 1", Status.INVALID, "line 1"),
        ("def key(request):\n    return 1.0\n", Status.INVALID, "place"),
        (HONEST + "\nraise ValueError('at import')\n", Status.CRASHED, "at import"),
        (HONEST.replace(".index", ".no_such"), Status.CRASHED, "no_such"),
        (HONEST.replace("return request.arrival", "return None"), Status.PROTOCOL, "key"),
        (HONEST.replace("return min", "return 99 or min"), Status.PROTOCOL, "place"),
        (HONEST.replace("return min", "return 0.5 or min"), Status.PROTOCOL, "place"),
    ],
)
def test_a_fault_is_a_status_with_its_reason(source: str, status: Status, said: str) -> None:
    evaluation = judge(task(source))
    assert evaluation.status is status
    assert evaluation.score is None
    assert said in evaluation.detail


def test_a_source_seen_before_is_not_judged_again() -> None:
    first = judge(task(HONEST))
    second = judge(task(HONEST + "\n# a comment changes nothing\n"), Remembered(first))
    assert second.status is Status.DUPLICATE
    assert second.score == first.score
    assert second.duplicate_of == first.candidate
    assert second.cost.decisions == 0


def test_a_behaviour_seen_before_is_not_judged_again_but_for_a_sample() -> None:
    first = judge(task(HONEST))
    variants = [HONEST.replace("request.arrival", f"request.arrival + {i} - {i}") for i in range(1, 200)]
    sampled = [v for v in variants if int(Candidate.from_source(v).id[:8], 16) % REJUDGED_SHARE == 0]
    others = [v for v in variants if v not in sampled]
    assert 3 <= len(sampled) <= 30
    again = [judge(task(v), Remembered(first)) for v in sampled[:3]]
    assert {(each.status, each.labels, each.duplicate_of) for each in again} == {
        (Status.OK, ("rejudged:agrees",), first.candidate)
    }
    assert {judge(task(v), Remembered(first)).status for v in others[:8]} == {Status.DUPLICATE}


def test_one_that_only_answers_the_probe_alike_is_told_from_one_that_the_sample_finds_out() -> None:
    first = judge(task(HONEST))
    variants = [HONEST.replace("request.arrival", f"request.arrival + {i} - {i}") for i in range(1, 200)]
    sample = next(v for v in variants if int(Candidate.from_source(v).id[:8], 16) % REJUDGED_SHARE == 0)
    other = next(v for v in variants if int(Candidate.from_source(v).id[:8], 16) % REJUDGED_SHARE)

    def known_as(source: str, *, drawn: bool) -> Remembered:
        """The first design with other figures on the workload drawn for ``source``, or on one that was not."""
        workloads = load_problem(SMALL.name, SMALL.options).workloads("train")
        name = _drawn(workloads, Candidate.from_source(source), first).name
        at = next(i for i, m in enumerate(first.measurements) if (m.workload == name) is drawn)
        parts = list(first.measurements)
        parts[at] = parts[at].model_copy(update={"metrics": parts[at].metrics | {"p99_s": 0.0}})
        return Remembered(first.model_copy(update={"measurements": tuple(parts)}))

    words = [judge(task(source), known_as(source, drawn=True)) for source in (sample, other)]
    assert {(word.status, word.labels, word.duplicate_of) for word in words} == {(Status.OK, (TOLD_APART,), None)}
    found_out = judge(task(sample), known_as(sample, drawn=False))
    assert (found_out.labels, found_out.duplicate_of) == ((REJUDGED_OTHER,), first.candidate)


def test_a_different_behaviour_is_told_apart() -> None:
    first = judge(task(HONEST))
    other = judge(task(HONEST.replace("r.running", "r.used_blocks")), Remembered(first))
    assert other.status is Status.OK
    assert other.decision_hash != first.decision_hash


def test_an_objective_beyond_the_bound_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = load_problem(SMALL.name, SMALL.options)
    monkeypatch.setattr(problem, "bound", lambda workload: 1e9)
    evaluation = judge(task(HONEST))
    assert evaluation.status is Status.CHEATED
    assert "better than the proven bound" in evaluation.detail
    first = problem.workloads("train")[0].name
    assert [m.workload for m in evaluation.measurements] == [first]  # The evidence.
    assert evaluation.detail.startswith(f"{first}: ")


def test_every_baseline_of_both_scenarios_is_judged_ok_and_beats_random() -> None:
    for scenario in ("mixed", "equal"):
        problem = load_problem("serving-router", {"requests": "600", "scenario": scenario})
        scores = {b.name: judge_inline(problem, b.candidate).score for b in problem.baselines()}
        assert None not in scores.values()
        worst = scores.pop("uniform-random")
        if scenario == "mixed":
            assert min(scores, key=lambda name: scores[name] or 0) == "headroom-earliest-finish"
        scores.pop("round-robin")
        assert all(score is not None and worst is not None and score < worst for score in scores.values())


def test_a_pool_judges_as_the_inline_executor_does() -> None:
    inline, pool = InlineExecutor(), LocalExecutor(2)
    try:
        futures = [pool.submit(task(HONEST)) for _ in range(4)]
        scores = {future.result(timeout=120).score for future in futures}
        assert scores == {inline.submit(task(HONEST)).result().score}
    finally:
        pool.close()


class Lethal(Remembered):
    """A cache whose use kills the judging process, as a machine out of memory would."""

    def __init__(self, tally: Path, deaths: int):
        self.tally, self.deaths = tally, deaths

    def by_source(self, candidate_id: str) -> Evaluation | None:
        with self.tally.open("a") as stream:
            stream.write("x")
        if len(self.tally.read_text()) <= self.deaths:
            os._exit(9)
        return None

    def by_decisions(self, decision_hash: str) -> Evaluation | None:
        return None


@pytest.mark.parametrize(("deaths", "status"), [(1, Status.OK), (99, Status.SANDBOX_ERROR)])
def test_a_lost_judging_process_is_our_fault_and_retried(tmp_path: Path, deaths: int, status: Status) -> None:
    pool = LocalExecutor(1)
    try:
        evaluation = pool.submit(task(HONEST), Lethal(tmp_path / "tally", deaths)).result(timeout=120)
        assert evaluation.status is status
        # The pool lives on for the next candidate.
        try:
            after = pool.submit(task(HONEST)).result(timeout=120)
        except BrokenProcessPool:
            pytest.fail("the pool did not recover")
        assert after.status is Status.OK
    finally:
        pool.close()


