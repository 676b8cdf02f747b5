"""Racing on a real problem: hopeless candidates are given up, the audited are judged in full, doubt spares the rest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from speciate.evaluators import (
    Candidate,
    Descriptor,
    Evaluation,
    JudgeTask,
    Measurement,
    ProblemRef,
    Status,
    judge,
    judge_inline,
    problem_of,
)
from speciate.evaluators._errors import CandidateFault
from speciate.evaluators._racing import AUDITED_SHARE, MIN_WORKLOADS, WOULD_LOSE, Incumbents, Race

LANES = ProblemRef(name=str(Path(__file__).parent.parent / "support" / "lanes.py"))
PROBLEM = problem_of(LANES)
TRAIN = len(PROBLEM.workloads("train"))
SOURCE = "def choose(job, yard):\n    return {lane}  # {number}\n"


def audited(candidate: Candidate) -> bool:
    return int(candidate.id[8:16], 16) % AUDITED_SHARE == 0


def designs(lane: int, wanted: bool) -> Candidate:
    """Return a design that sends all to one lane, and is audited or not."""
    for number in range(200):
        found = Candidate.from_source(f"{SOURCE.format(lane=lane, number=number)}\n\nUNUSED = {number}\n")
        if audited(found) is wanted:
            return found
    raise AssertionError("no such design among 200")


class Held:
    """An archive in which every niche is held by designs that score ``objectives``, or one is vacant."""

    def __init__(self, *objectives: float, vacant: bool = False):
        self.objectives, self.vacant = objectives, vacant
        self.asked: list[tuple[dict[str, float], dict[str, float]]] = []

    def by_source(self, candidate_id: str) -> Evaluation | None:
        return None

    def by_decisions(self, decision_hash: str) -> Evaluation | None:
        return None

    def holders(
        self, axes: Sequence[Descriptor], low: Mapping[str, float], high: Mapping[str, float]
    ) -> Sequence[Mapping[str, float]] | None:
        self.asked.append((dict(low), dict(high)))
        if self.vacant:
            return None
        return [{w.name: objective for w in PROBLEM.workloads("train")} for objective in self.objectives]


def raced(candidate: Candidate, held: Held, **changes: Any) -> Evaluation:
    task = JudgeTask(problem=LANES, candidate=candidate, sandbox="process", racing=True)
    return judge(task.model_copy(update=changes), held)


def test_a_candidate_worse_than_all_within_reach_is_given_up_unscored() -> None:
    word = raced(designs(1, wanted=False), Held(0.1, 0.2))
    assert (word.status, word.score, len(word.measurements)) == (Status.RACED_OUT, None, MIN_WORKLOADS)
    assert f"after {MIN_WORKLOADS} of {TRAIN} workloads" in word.detail


def test_an_audited_one_is_judged_in_full_and_labelled() -> None:
    candidate = designs(1, wanted=True)
    word = raced(candidate, Held(0.1))
    assert word.status is Status.OK
    assert len(word.measurements) == TRAIN
    assert word.labels == (f"{WOULD_LOSE}:{MIN_WORKLOADS}",)
    plain = judge_inline(PROBLEM, candidate)
    assert (word.score, word.descriptors) == (plain.score, plain.descriptors)


@pytest.mark.parametrize("held", [Held(0.1, 1e9), Held(0.1, vacant=True), Held()])
def test_a_weak_holder_a_vacant_niche_or_an_empty_archive_spares_it(held: Held) -> None:
    word = raced(designs(1, wanted=False), held)
    assert (word.status, word.labels) == (Status.OK, ())


def test_nothing_is_raced_unless_asked_and_on_train() -> None:
    candidate, held = designs(1, wanted=False), Held(0.1)
    assert raced(candidate, held, racing=False).status is Status.OK
    assert raced(candidate, held, split="validation").status is Status.OK
    assert held.asked == []


def test_the_reach_closes_in_on_the_final_descriptors() -> None:
    word = judge_inline(PROBLEM, PROBLEM.seed())
    held = Held(1e9)
    race = Race(PROBLEM, PROBLEM.seed(), held, TRAIN)
    for count in range(1, TRAIN + 1):
        race.check(word.measurements[:count])
    assert len(held.asked) == TRAIN - MIN_WORKLOADS
    for count, (low, high) in zip(range(MIN_WORKLOADS, TRAIN), held.asked, strict=True):
        so_far = PROBLEM.describe(word.measurements[:count])
        assert all(low[name] <= so_far[name] <= high[name] for name in so_far)
        rest = [PROBLEM.describe([m])["fast_share"] for m in word.measurements[:count]]
        width = high["fast_share"] - low["fast_share"]
        assert width == pytest.approx((1 - count / TRAIN) * (max(rest) - min(rest)))


def test_a_maximised_objective_is_turned() -> None:
    class Profit(type(PROBLEM)):  # type: ignore[misc]
        objective = PROBLEM.objective.model_copy(update={"direction": "maximize"})

    word = judge_inline(PROBLEM, PROBLEM.seed())
    candidate = designs(1, wanted=False)
    some: Sequence[Measurement] = word.measurements[:MIN_WORKLOADS]
    Race(Profit(3), candidate, Held(0.0), TRAIN).check(some)
    with pytest.raises(CandidateFault, match="given up"):
        Race(Profit(3), candidate, Held(1e9), TRAIN).check(some)


def test_the_archive_is_asked_by_the_protocol() -> None:
    assert isinstance(Held(), Incumbents)
