"""Tuning finds a known optimum, keeps its budget, and never returns worse than it was given."""

from collections.abc import Sequence

import pytest
from speciate.evaluators import (
    Baseline,
    Candidate,
    Evaluation,
    Parameter,
    ProblemError,
    Status,
    constants,
    tune,
    with_constants,
)

SOURCE = "A = 5.0  # kept\nB = 100.0\n\ndef key(request):\n    return A * request.arrival + B\n"


def baseline() -> Baseline:
    return Baseline(
        name="two-constants",
        title="",
        candidate=Candidate.from_source(SOURCE),
        parameters=(Parameter(name="A", low=0.0, high=10.0), Parameter(name="B", low=1.0, high=1000.0, log=True)),
    )


class Bowl:
    """A judge with a known optimum at A = 2, B = 30."""

    def __init__(self, sign: float = 1.0) -> None:
        self.judged = 0
        self.sign = sign

    def __call__(self, candidates: Sequence[Candidate]) -> Sequence[Evaluation]:
        self.judged += len(candidates)
        return [self._one(candidate) for candidate in candidates]

    def _one(self, candidate: Candidate) -> Evaluation:
        values = constants(candidate.source, ["A", "B"])
        score = (values["A"] - 2) ** 2 + (values["B"] / 30 - 1) ** 2
        return Evaluation(candidate=candidate.id, split="train", status=Status.OK, score=self.sign * score)


@pytest.mark.parametrize(("sign", "maximize"), [(1.0, False), (-1.0, True)])
def test_it_finds_the_optimum_within_its_budget(sign: float, maximize: bool) -> None:
    judge = Bowl(sign)
    tuned = tune(baseline(), judge, 120, seed=1, maximize=maximize)
    assert judge.judged == tuned.evaluations == 120
    assert tuned.values["A"] == pytest.approx(2, abs=0.4)
    assert tuned.values["B"] == pytest.approx(30, rel=0.3)


def test_it_repeats_itself_and_never_loses_what_it_was_given() -> None:
    assert tune(baseline(), Bowl(), 40, seed=1) == tune(baseline(), Bowl(), 40, seed=1)
    perfect = with_constants(baseline().candidate, {"A": 2.0, "B": 30.0})
    assert tune(baseline().model_copy(update={"candidate": perfect}), Bowl(), 24, seed=1).score == 0.0


def test_constants_are_replaced_in_place() -> None:
    changed = with_constants(Candidate.from_source(SOURCE), {"A": 0.125, "B": 7.0})
    assert changed.source == SOURCE.replace("5.0", "0.125").replace("100.0", "7.0")


def test_a_missing_constant_is_named() -> None:
    with pytest.raises(ProblemError, match="constant C = NUMBER"):
        constants(SOURCE, ["C"])


def test_a_design_that_never_runs_is_an_error() -> None:
    def refuse(candidates: Sequence[Candidate]) -> Sequence[Evaluation]:
        return [Evaluation(candidate=c.id, split="train", status=Status.CRASHED) for c in candidates]

    with pytest.raises(ProblemError, match="not one of 8 settings"):
        tune(baseline(), refuse, 8, seed=1)
