"""Claims over simulated runs, made by the functions that a run makes them with: rarely false, mostly made if true."""

from random import Random

import pytest
from speciate.evaluators._statistics import holm
from support.known_truth import Draw, claimed, false_claims, normal, skewed


@pytest.mark.parametrize(("rivals", "noise", "runs"), [(1, normal, 1000), (1, skewed, 300), (3, normal, 300)])
def test_at_most_65_of_1000_runs_claim_a_gain_where_no_design_is_better(rivals: int, noise: Draw, runs: int) -> None:
    assert false_claims(rivals, noise, runs) <= runs * 65 // 1000


def test_a_gain_of_five_percent_is_mostly_claimed() -> None:
    rng = Random("power")
    truth = [0.95] + [1.0 + 0.01 * i for i in range(19)]
    assert sum(claimed(truth, 3, rng, normal) for _ in range(100)) >= 90


def test_holm_keeps_a_table_of_runs_honest() -> None:
    """Ten useless champions in one table: one at least would look significant in four tables of ten."""
    rng = Random(2)
    plain = adjusted = 0
    for _ in range(400):
        p_values = [rng.random() for _ in range(10)]
        plain += min(p_values) <= 0.05
        adjusted += min(holm(p_values)) <= 0.05
    assert plain >= 120
    assert adjusted <= 32
