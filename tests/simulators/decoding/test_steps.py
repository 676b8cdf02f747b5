"""Steps of speculation against theory, against the best that there is, and what changing acceptance is worth."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.simulators.decoding import (
    BATCH_FIELDS,
    LONGEST,
    SEQUENCE_FIELDS,
    WIDEST,
    DecisionError,
    Engine,
    Outcome,
    Text,
    Wave,
    best_length,
    expected_tokens,
    expected_tokens_of_comb,
    least_time,
    simulate,
    speedup,
)

RECENT, IDLE, CONFIDENCE, CHOSEN = (SEQUENCE_FIELDS.index(name) for name in ("recent", "idle", "confidence", "chosen"))
ACTIVE, PLANNED, DEEPEST = (len(SEQUENCE_FIELDS) + BATCH_FIELDS.index(n) for n in ("active", "planned", "deepest"))
Rule = Callable[[Sequence[float]], float]
LONE = Engine(knee=1e6, draft_cost=0.05)
LENGTHS = (1, 2, 3, 4, 5, 7)
"""Among which the best fixed one is, in the tests of adapting."""


class Rules:
    """A policy made of two functions."""

    def __init__(self, length: Rule, width: Rule = lambda seen: 1.0):
        self.length = length
        self.width = width


def fixed(length: int, width: int = 1) -> Rules:
    return Rules(lambda seen: float(length), lambda seen: float(width))


def text(acceptance: np.ndarray, seed: int, rescued: float = 0.0) -> Text:
    """Tokens that are right with the given probabilities, else the second choice with ``rescued``."""
    draw = np.random.default_rng(seed)
    right, second = draw.random((2, len(acceptance)))
    return Text(np.where(right < acceptance, 0, np.where(second < rescued, 1, 9)), acceptance)


def steady(acceptance: float, tokens: int, sequences: int = 1, slots: int = 1, seed: int = 1) -> list[Wave]:
    texts = [text(np.full(tokens, acceptance), seed + each) for each in range(sequences)]
    return [Wave(slots, texts)]


def switching(easy: float, hard: float, stay: int, tokens: int, seed: int = 1) -> list[Wave]:
    """One sequence of stretches of random length, easy and hard in turn; its confidence is the truth."""
    switches = np.random.default_rng(seed + 100).random(tokens) < 1.0 / stay
    return [Wave(1, [text(np.where(np.cumsum(switches) % 2, hard, easy), seed)])]


def speed(waves: list[Wave], rules: Rules, engine: Engine = LONE) -> float:
    """Tokens a time, relative to no speculation in full batches."""
    outcome = simulate(waves, engine, rules)
    slots = waves[0].slots
    return outcome.tokens / slots * engine.pass_time(slots) / outcome.time


def by_chance(field: int, cost: float) -> Rules:
    """Draft what is best were the observed field the acceptance for good; look again every eighth step."""
    table = [best_length(chance / 100, cost, LONGEST) for chance in range(101)]
    return Rules(lambda seen: float(table[round(100 * seen[field])] or (seen[IDLE] >= 8)))


@pytest.mark.parametrize("acceptance", [0.6, 0.7, 0.8, 0.9])
def test_tokens_a_step_are_within_one_percent_of_the_closed_form(acceptance: float) -> None:
    waves = steady(acceptance, 40_000)
    for length in (2, 5, 8):
        outcome = simulate(waves, LONE, fixed(length))
        assert outcome.tokens / len(outcome.step_time) == pytest.approx(expected_tokens(acceptance, length), rel=0.01)
        assert outcome.tokens / outcome.time == pytest.approx(speedup(acceptance, length, 0.05), rel=0.01)


def test_alternatives_add_what_the_closed_form_says() -> None:
    waves = [Wave(1, [text(np.full(50_000, 0.6), 3, rescued=0.5)])]
    outcome = simulate(waves, LONE, fixed(4, 2))
    assert outcome.tokens / len(outcome.step_time) == pytest.approx(expected_tokens_of_comb(0.6, 0.2, 4), rel=0.01)
    narrow = simulate(waves, LONE, fixed(4, 1))
    assert narrow.tokens / len(narrow.step_time) == pytest.approx(expected_tokens(0.6, 4), rel=0.01)


def test_a_slow_or_wrong_drafter_makes_it_slower_than_none() -> None:
    waves = steady(0.3, 15_000)
    assert speed(waves, fixed(5), Engine(1e6, 0.3)) == pytest.approx(0.57, abs=0.01)
    assert speed(waves, fixed(5), Engine(1e6, 0.0)) > 1.3


def test_a_fixed_length_wins_in_small_batches_and_loses_in_large_ones() -> None:
    engine = Engine(knee=128.0, draft_cost=0.05)
    gains = [speed(steady(0.7, 400, sequences=batch, slots=batch), fixed(5), engine) for batch in (1, 8, 32, 128)]
    assert gains == sorted(gains, reverse=True)
    assert gains[1] > 2.0
    assert gains[3] < 0.7


def test_the_best_fixed_length_falls_with_the_batch() -> None:
    engine = Engine(knee=64.0, draft_cost=0.05)
    best = []
    for batch in (1, 8, 32, 96):
        waves = steady(0.8, 60, sequences=batch, slots=batch)
        times = [simulate(waves, engine, fixed(length)).time for length in range(LONGEST + 1)]
        best.append(int(np.argmin(times)))
    assert best == sorted(best, reverse=True)
    assert best[0] >= 5
    assert best[-1] <= 1


def test_adapting_has_no_headroom_where_acceptance_never_changes() -> None:
    """The fading mean of the last tokens only adds noise."""
    waves = steady(0.7, 10_000)
    static = max(speed(waves, fixed(k), Engine(1e6, 0.1)) for k in LENGTHS)
    adaptive = speed(waves, by_chance(RECENT, 0.1), Engine(1e6, 0.1))
    assert 0.93 * static < adaptive < static


def test_adapting_pays_where_acceptance_switches_and_less_than_to_know_it() -> None:
    engine = Engine(1e6, 0.1)
    waves = switching(0.9, 0.2, 60, 12_000)
    static = max(speed(waves, fixed(k), engine) for k in LENGTHS)
    adaptive, known = (speed(waves, by_chance(field, 0.1), engine) for field in (RECENT, CONFIDENCE))
    assert 1.02 * static < adaptive < known
    assert known > 1.08 * static


def test_adapting_gains_more_the_longer_the_stretches_are() -> None:
    engine = Engine(1e6, 0.1)
    gains = []
    for stay in (3, 20, 150):
        waves = switching(0.9, 0.2, stay, 12_000)
        static = max(speed(waves, fixed(k), engine) for k in LENGTHS)
        gains.append(speed(waves, by_chance(RECENT, 0.1), engine) / static)
    assert gains == sorted(gains)
    assert gains[0] < 1.0 < gains[-1]


def test_everybody_waits_for_the_longest_draft() -> None:
    """Two sequences, one drafting 3 levels of 2 and one none: three passes over one sequence, one over 8 tokens."""
    engine = Engine(knee=10.0, draft_cost=0.1)
    waves = [Wave(2, [text(np.full(5, 1.0), 1), text(np.full(5, 1.0), 2)])]
    outcome = simulate(waves, engine, Rules(lambda seen: 3.0 if seen[PLANNED] == 2.0 else 0.0, lambda seen: 2.0))
    assert outcome.step_time[0] == pytest.approx(3 * 0.1 * engine.pass_time(1) + engine.pass_time(8))
    assert outcome.drafting_time[0] == pytest.approx(3 * 0.1 * engine.pass_time(1))
    assert outcome.turns[:2].tolist() == [[0, 3, 2, 3, 4], [0, 0, 1, 0, 1]]


def brute(ranks: list[int], engine: Engine) -> float:
    """The least time of one sequence over all drafts there are."""
    least = [0.0] * (len(ranks) + 1)
    for at in range(len(ranks) - 1, -1, -1):
        options = []
        for length, width in product(range(LONGEST + 1), range(1, WIDEST + 1)):
            chain = 0
            while chain < length and at + chain < len(ranks) and ranks[at + chain] == 0:
                chain += 1
            broken = chain < length and at + chain < len(ranks)
            gained = chain + 1 + (broken and ranks[at + chain] < width)
            options.append(engine.step_time(1, length, width) + least[min(at + gained, len(ranks))])
        least[at] = min(options)
    return least[0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 9]), min_size=1, max_size=25), st.sampled_from([4.0, 30.0, 1e4]))
def test_the_bound_of_one_sequence_is_attained_by_whoever_knows_the_ranks(ranks: list[int], knee: float) -> None:
    engine = Engine(knee, 0.07)
    waves = [Wave(1, [Text(np.array(ranks), np.full(len(ranks), 0.5))])]
    assert least_time(waves, engine) == pytest.approx(brute(ranks, engine))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 6), st.floats(2.0, 200.0), st.floats(0.0, 0.4))
def test_every_policy_yields_every_token_once_and_none_passes_the_bound(
    seed: int, sequences: int, slots: int, knee: float, cost: float
) -> None:
    draw = np.random.default_rng(seed)
    sizes = draw.integers(1, 60, size=sequences)
    texts = [text(draw.random(size), seed + i, 0.4) for i, size in enumerate(sizes.tolist())]
    waves, engine = [Wave(slots, texts), Wave(2, texts[:2])], Engine(knee, cost)
    rng = Random(seed)
    most = rng.choice([0, 2, LONGEST])
    outcome = simulate(
        waves, engine, Rules(lambda seen: float(rng.randint(0, most)), lambda seen: float(rng.randint(1, WIDEST)))
    )
    assert outcome.tokens == sizes.sum() + sizes[:2].sum()
    assert outcome.active.max() <= max(slots, 2)
    assert outcome.time >= least_time(waves, engine) * (1 - 1e-9)


def test_what_is_observed_is_what_is_so() -> None:
    seen: list[list[float]] = []

    def note(observed: Sequence[float]) -> float:
        seen.append(list(observed))
        return 2.0

    ranks = np.array([0, 0, 0, 0, 1, 0, 0])
    waves = [Wave(1, [Text(ranks, np.linspace(0.1, 0.7, 7)), Text(ranks[:1], np.array([0.9]))])]
    simulate(waves, Engine(32.0, 0.1), Rules(note, note))
    assert len(seen[0]) == len(SEQUENCE_FIELDS) + len(BATCH_FIELDS)
    assert seen[0] == [0, 0, 0, 0.5, 0.5, 0, 0, 0.1, 0, 1, 1, 1, 0, 32.0, 0.1, 0.5, 0.25]
    assert seen[1][CHOSEN] == 2.0
    # The first draft was kept whole, and the third token is the target's own.
    assert seen[2][:9] == [3, 2, 2, 1, 1, 2, 0, pytest.approx(0.4), 0]
    # The second kept one token and the alternative beside the break: positions 3 and 4, then 5.
    recent = (0.81 * 2 + 1) / (0.81 * 2 + 2)
    assert seen[4][:9] == [6, 2, 2, pytest.approx(recent), 0.75, 4, 0, 0.7, 0]
    assert seen[4][-1] == 1.0


def test_what_was_chosen_before_in_a_step_is_shown() -> None:
    seen: list[tuple[float, float, float]] = []

    def note(observed: Sequence[float]) -> float:
        seen.append((observed[ACTIVE], observed[PLANNED], observed[DEEPEST]))
        return 3.0

    simulate(steady(1.0, 4, sequences=3, slots=3), LONE, Rules(note, lambda observed: 2.0))
    assert seen == [(3.0, 3.0, 0.0), (3.0, 9.0, 3.0), (3.0, 15.0, 3.0)]


def test_a_run_is_the_same_in_every_process() -> None:
    code = (
        "import hashlib; from speciate.evaluators import load_problem, judge_inline\n"
        "p = load_problem('speculation-length', {'tokens': '20'})\n"
        "e = judge_inline(p, next(b.candidate for b in p.baselines() if b.name == 'marginal-tree'))\n"
        "found = [(m.objective, m.metrics, m.descriptors) for m in e.measurements]\n"
        "print(hashlib.sha256(repr(found).encode()).hexdigest())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "77")
    ]
    assert told[0] == told[1]


def run(rules: Rules) -> Outcome:
    return simulate(steady(0.5, 5), LONE, rules)


def test_refuses_what_cannot_be() -> None:
    good = text(np.full(4, 0.5), 1)
    for waves, words in (
        ([], "got none"),
        ([Wave(0, [good])], "wave 0: expected slots >= 1"),
        ([Wave(1, [good]), Wave(1, [])], "wave 1"),
        ([Wave(1, [good, Text(np.array([], dtype=int), np.array([]))])], "wave 0, sequence 1: .* n >= 1"),
        ([Wave(1, [Text(np.array([0, -1]), np.array([0.5, 0.5]))])], "sequence 0, token 1: expected an integer rank"),
        ([Wave(1, [Text(np.array([0, 1]), np.array([0.5, 1.5]))])], r"token 1: expected confidence .* got 1\.5"),
        ([Wave(1, [Text(np.array([0, 1]), np.array([np.nan, 0.5]))])], "token 0: expected confidence"),
    ):
        for call in (lambda w: simulate(w, LONE, fixed(0)), lambda w: least_time(w, LONE)):
            with pytest.raises(ValueError, match=words):
                call(waves)
    for rules, words in (
        (fixed(LONGEST + 1), "length to be an integer from 0 to 12, got 13"),
        (Rules(lambda seen: 1.5), "length"),
        (Rules(lambda seen: float("nan")), "length"),
        (fixed(2, 0), "width to be an integer from 1 to 4, got 0"),
    ):
        with pytest.raises(DecisionError, match=words):
            run(rules)
