"""What theory says of speculative decoding, and that speculation changes no output."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.simulators.decoding import (
    Engine,
    acceptance_of,
    best_length,
    best_tree_tokens,
    breaks_even,
    emitted,
    expected_tokens,
    expected_tokens_of_chains,
    expected_tokens_of_comb,
    parallel_speedup,
    speedup,
)

CHANCES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)


def best_in_batch(acceptance: float, sequences: int, engine: Engine) -> tuple[int, float]:
    """The length at which a batch of equal sequences is fastest, and its speed relative to no speculation."""
    speeds = [
        expected_tokens(acceptance, k) * engine.step_time(sequences, 0) / engine.step_time(sequences, k)
        for k in range(33)
    ]
    return int(np.argmax(speeds)), max(speeds)


def test_expected_tokens_are_the_geometric_sum() -> None:
    for acceptance in CHANCES:
        for length in (0, 1, 5, 12):
            assert expected_tokens(acceptance, length) == pytest.approx(
                (1 - acceptance ** (length + 1)) / (1 - acceptance)
            )
    assert expected_tokens(1.0, 7) == 8.0
    with pytest.raises(ValueError, match=r"acceptance=1\.2"):
        expected_tokens(1.2, 3)


def test_speedups_are_those_of_the_literature() -> None:
    """Best lengths at c = 0.05: 2.35 at a = 0.7, 3.09 at a = 0.8. Slow and wrong: 0.57 at a = c = 0.3, k = 5."""
    assert max(speedup(0.7, k, 0.05) for k in range(17)) == pytest.approx(2.35, abs=0.005)
    assert max(speedup(0.8, k, 0.05) for k in range(17)) == pytest.approx(3.09, abs=0.005)
    assert speedup(0.3, 5, 0.3) == pytest.approx(0.57, abs=0.005)


def test_the_best_length_is_inside_and_rises_with_acceptance_and_falls_with_the_drafters_cost() -> None:
    by_acceptance = [best_length(a, 0.05) for a in CHANCES]
    assert by_acceptance == sorted(set(by_acceptance))
    by_cost = [best_length(0.8, c) for c in (0.01, 0.05, 0.1, 0.3, 0.8)]
    assert by_cost == sorted(set(by_cost), reverse=True)
    assert 0 < best_length(0.8, 0.05) < 64


def test_speculation_breaks_even_where_acceptance_is_the_drafters_cost() -> None:
    for acceptance in CHANCES:
        for cost in (0.05, 0.2, 0.4, 0.6):
            assert (best_length(acceptance, cost) > 0) == breaks_even(acceptance, cost)


def test_the_best_length_and_its_gain_fall_with_the_batch() -> None:
    engine = Engine(knee=128.0, draft_cost=0.05)
    found = [best_in_batch(0.8, sequences, engine) for sequences in (1, 8, 32, 64, 128, 512)]
    assert [length for length, _ in found] == sorted((length for length, _ in found), reverse=True)
    assert [gain for _, gain in found] == sorted((gain for _, gain in found), reverse=True)
    assert found[0][0] > 6
    assert found[-1][0] == 0


def test_five_tokens_win_at_batch_8_and_lose_at_batch_128() -> None:
    """As measured elsewhere: 2.35 and 0.60. On our pass times at a = 0.7: 2.24 and 0.64."""
    engine = Engine(knee=128.0, draft_cost=0.05)
    wins, loses = (
        expected_tokens(0.7, 5) * engine.step_time(batch, 0) / engine.step_time(batch, 5) for batch in (8, 128)
    )
    assert wins == pytest.approx(2.35, rel=0.08)
    assert loses == pytest.approx(0.60, rel=0.08)


def test_what_is_looked_up_never_loses_while_passes_wait_for_memory() -> None:
    """The worst case of prompt or trie lookup, which costs no drafting, is decoding token by token."""
    engine = Engine(knee=1e9, draft_cost=0.0)
    for length in (1, 4, 12):
        assert engine.step_time(1, length) == pytest.approx(engine.step_time(1, 0))
        assert expected_tokens(0.0, length) == 1.0


def test_parallel_checking_is_never_below_one_and_beats_the_best_length() -> None:
    """1 / (a c + 1 - a): 1.1 to 1.6 times the best length for good drafters, and no loss with bad ones."""
    ratios = []
    for acceptance in CHANCES:
        for cost in (0.02, 0.05, 0.1, 0.3, 0.9):
            parallel = parallel_speedup(acceptance, cost)
            assert parallel >= 1.0
            assert parallel >= speedup(acceptance, best_length(acceptance, cost), cost)
            if acceptance > 0.6 and cost in (0.02, 0.05):
                ratios.append(parallel / speedup(acceptance, best_length(acceptance, cost), cost))
    assert 1.1 < min(ratios) < max(ratios) < 1.6


def test_a_chain_saturates_and_the_best_tree_goes_on_growing() -> None:
    """At a = 0.6 a chain ends at 2.50 tokens whatever its length; this tree of 1,024 nodes comes to 5.23.

    Elsewhere 5.40 was found, of other probabilities by rank.
    """
    by_rank = [0.6, 0.15, 0.07, 0.04, 0.02, 0.01]
    tree = best_tree_tokens(by_rank, 1024)
    chain = [expected_tokens(0.6, nodes) for nodes in (4, 16, 64, 1024)]
    assert chain[-1] == pytest.approx(2.5)
    assert chain[-1] - chain[1] < 0.001
    grown = tree[[4, 16, 64, 256, 1024]]
    assert np.diff(grown).min() > 0.4
    assert grown[-1] == pytest.approx(5.40, rel=0.05)


def test_the_best_tree_is_the_best_of_all_small_trees() -> None:
    """Of one rank it is the chain; of two equal ranks it fills level by level."""
    for nodes in range(8):
        assert best_tree_tokens([0.6], nodes)[nodes] == pytest.approx(expected_tokens(0.6, nodes))
    assert best_tree_tokens([0.5, 0.5], 14)[14] == pytest.approx(4.0)
    one_then_sibling = best_tree_tokens([0.6, 0.38], 2)[2]
    assert one_then_sibling == pytest.approx(1 + 0.6 + 0.38)
    with pytest.raises(ValueError, match="sum of at most 1"):
        best_tree_tokens([0.7, 0.4], 3)


def test_independent_chains_gain_with_the_logarithm_of_their_number() -> None:
    """Steps fall with the logarithm of what is spent: twice the chains give ln 2 / ln (1 / a) more tokens."""
    gains = [
        expected_tokens_of_chains(0.5, 60, 2 * chains) - expected_tokens_of_chains(0.5, 60, chains)
        for chains in (4, 16, 64, 256)
    ]
    assert gains == pytest.approx([1.0] * 4, abs=0.1)
    assert expected_tokens_of_chains(0.5, 6, 1) == pytest.approx(expected_tokens(0.5, 6))
    assert expected_tokens_of_chains(0.5, 6, 10**9) == pytest.approx(7.0)


def test_alternatives_at_the_break_add_what_the_comb_says() -> None:
    assert expected_tokens_of_comb(0.6, 0.0, 5) == expected_tokens(0.6, 5)
    assert expected_tokens_of_comb(0.6, 0.2, 0) == 1.0
    assert expected_tokens_of_comb(0.0, 1.0, 3) == 2.0


def test_speculation_by_steps_and_by_tokens_multiply_below_the_knee_and_not_beyond() -> None:
    """A reasoning step drafted ahead and checked beside its forerunner (x1.5), tokens drafted in both (x1.4): 2.1."""
    steps = expected_tokens(0.5, 1)
    for knee, expected in ((4096.0, 2.1), (4.0, 1.25)):
        engine = Engine(knee, draft_cost=0.27)
        alone, beside = (expected_tokens(0.7, 3) / engine.step_time(sequences, 3) for sequences in (1, 2))
        plain = 1.0 / engine.step_time(1, 0)
        product = steps * alone / plain
        both = steps * beside / plain
        assert both == pytest.approx(expected, rel=0.01)
        assert (both > 0.99 * product) == (knee > 100.0)


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_the_output_is_the_targets_whatever_the_drafter(seed: int, tokens: int) -> None:
    rng = np.random.default_rng(seed)
    target, draft = rng.dirichlet(np.full(tokens, 0.4), size=2)
    np.testing.assert_allclose(emitted(target, draft), target, atol=1e-12)
    assert acceptance_of(target, draft) == pytest.approx(1.0 - np.abs(target - draft).sum() / 2.0)
    assert acceptance_of(target, target) == pytest.approx(1.0)
    np.testing.assert_array_equal(emitted(target, target), target)


def test_passes_are_flat_below_the_knee_and_linear_above() -> None:
    engine = Engine(knee=100.0, draft_cost=0.1)
    assert engine.pass_time(10) < 1.01
    assert engine.pass_time(100) == pytest.approx(math.sqrt(2.0))
    assert engine.pass_time(2000) / engine.pass_time(1000) == pytest.approx(2.0, rel=0.01)
    for tokens in (1.0, 50.0, 400.0):
        step = (engine.pass_time(tokens + 1e-4) - engine.pass_time(tokens - 1e-4)) / 2e-4
        assert engine.slope(tokens) == pytest.approx(step, rel=1e-5)
    for knee, cost in ((0.0, 0.1), (math.nan, 0.1), (10.0, -1.0), (10.0, math.inf)):
        with pytest.raises(ValueError, match="expected"):
            Engine(knee, cost)
