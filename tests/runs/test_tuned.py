"""The budget of the baselines beside that of the search."""

from speciate.evaluators import Baseline, Candidate, Parameter, Problem, load_problem
from speciate.runs._findings import Findings
from speciate.runs._tuned import tuning_words

PARAMETERS = (Parameter(name="A", low=0, high=1),)


def baseline(name: str, **changes: object) -> Baseline:
    told = {"name": name, "title": name, "candidate": Candidate.from_source("A = 0.5\n"), **changes}
    return Baseline.model_validate(told)


def test_a_larger_budget_than_a_baselines_is_admitted() -> None:
    tuned = [baseline("a", parameters=PARAMETERS, tuned_evaluations=120), baseline("b"), baseline("c", control=True)]
    assert tuning_words(tuned, 200).endswith("was given 200: a larger budget than a baseline's.")
    assert tuning_words(tuned, 120).endswith("was given 120, no more than a baseline.")
    more = [*tuned, baseline("d", parameters=PARAMETERS, tuned_evaluations=24), baseline("e", parameters=PARAMETERS)]
    assert "2 baselines took 24 to 120 evaluations, that of 1 more is not recorded" in tuning_words(more, 100)
    assert "larger" in tuning_words(more, 100)


def test_what_is_not_known_is_said() -> None:
    assert tuning_words([], 10) == ""
    assert "no constants" in tuning_words([baseline("b")], 10)
    assert "not recorded" in tuning_words([baseline("a", parameters=PARAMETERS)], 10)


def test_the_shipped_routers_tell_their_tuning(findings: Findings, lanes: Problem) -> None:
    router = load_problem("serving-router")
    told = {b.name: b.tuned_evaluations for b in router.baselines()}
    assert told.pop("uniform-random") is None
    assert set(told.values()) == {120}
    assert findings.tuning == tuning_words(lanes.baselines(), 24)
