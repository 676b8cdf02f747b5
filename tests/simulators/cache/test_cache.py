"""The cache against Belady, the textbook's own algorithms, and what guesses are worth as they get worse."""

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.simulators.cache import (
    CACHE_FIELDS,
    OBJECT_FIELDS,
    DecisionError,
    EventLimitError,
    belady_misses,
    next_uses,
    simulate,
)

AGE, PREDICTED, PRIORITY, FRESH = (OBJECT_FIELDS.index(name) for name in ("age", "predicted", "priority", "fresh"))
NOW, FLOOR = (len(OBJECT_FIELDS) + CACHE_FIELDS.index(name) for name in ("now", "floor"))
Rule = Callable[[Sequence[float]], float]
ROUND = 1e8


def kept(seen: Sequence[float]) -> float:
    return seen[PRIORITY]


class Rules:
    """An ordering made of two functions."""

    def __init__(self, priority: Rule, review: Rule = kept):
        self.priority = priority
        self.review = review


LRU = Rules(lambda seen: seen[NOW])
FIFO = Rules(lambda seen: seen[NOW] if seen[FRESH] else seen[PRIORITY])
BLIND = Rules(lambda seen: -(seen[NOW] + seen[PREDICTED]))


def second_chances() -> Rules:
    """CLOCK with one bit."""
    hit: dict[float, bool] = {}

    def priority(seen: Sequence[float]) -> float:
        hit[seen[NOW] - seen[AGE]] = not seen[FRESH]
        return seen[NOW] if seen[FRESH] else seen[PRIORITY]

    def review(seen: Sequence[float]) -> float:
        stored = seen[NOW] - seen[AGE]
        again, hit[stored] = hit[stored], False
        return seen[NOW] if again else seen[PRIORITY]

    return Rules(priority, review)


def sieve() -> Rules:
    hit: dict[float, bool] = {}

    def priority(seen: Sequence[float]) -> float:
        hit[seen[NOW] - seen[AGE]] = not seen[FRESH]
        return seen[FLOOR] // ROUND * ROUND + seen[NOW] if seen[FRESH] else seen[PRIORITY]

    def review(seen: Sequence[float]) -> float:
        stored = seen[NOW] - seen[AGE]
        again, hit[stored] = hit[stored], False
        return seen[PRIORITY] + ROUND if again else seen[PRIORITY]

    return Rules(priority, review)


def zipf(n: int, seed: int, *, skew: float = 0.9, objects: int = 5000, drift: float = 0.01) -> np.ndarray:
    """Skewed requests whose popularity drifts: ranks are swapped as time passes."""
    draw = np.random.default_rng(seed)
    weights = np.arange(1, objects + 1) ** -skew
    ranks = draw.choice(objects, size=n, p=weights / weights.sum())
    order, jumps = draw.permutation(objects), draw.random(n) < drift
    found = np.empty(n, dtype=np.int64)
    for at in range(n):
        found[at] = order[ranks[at]]
        if jumps[at]:
            one, other = draw.integers(objects, size=2)
            order[[one, other]] = order[[other, one]]
    return found


def guesses(objects: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    distance = (next_uses(objects) - np.arange(len(objects))).astype(float)
    return distance * np.exp(sigma * np.random.default_rng(seed).standard_normal(len(objects)))


def misses(objects: np.ndarray, capacity: int, rules: Rules, sigma: float = 0.0) -> float:
    return simulate(objects, guesses(objects, sigma, 1), capacity, rules).misses / len(objects)


def textbook_lru(objects: np.ndarray, capacity: int) -> int:
    held: OrderedDict[int, None] = OrderedDict()
    missed = 0
    for each in objects.tolist():
        if each in held:
            held.move_to_end(each)
            continue
        missed += 1
        if len(held) == capacity:
            held.popitem(last=False)
        held[each] = None
    return missed


def textbook_sieve(objects: np.ndarray, capacity: int) -> int:
    """The published pseudo-code on a list, newest last; the hand walks from the oldest to the newest."""
    queue: list[int] = []
    visited: dict[int, bool] = {}
    hand = missed = 0
    for each in objects.tolist():
        if each in visited:
            visited[each] = True
            continue
        missed += 1
        if len(queue) == capacity:
            hand = 0 if hand >= len(queue) else hand
            while visited[queue[hand]]:
                visited[queue[hand]] = False
                hand = (hand + 1) % len(queue)
            del visited[queue.pop(hand)]
        queue.append(each)
        visited[each] = False
    return missed


def textbook_clock(objects: np.ndarray, capacity: int) -> int:
    queue: deque[int] = deque()
    visited: dict[int, bool] = {}
    missed = 0
    for each in objects.tolist():
        if each in visited:
            visited[each] = True
            continue
        missed += 1
        if len(queue) == capacity:
            while visited[queue[0]]:
                visited[queue[0]] = False
                queue.rotate(-1)
            del visited[queue.popleft()]
        queue.append(each)
        visited[each] = False
    return missed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=120), st.integers(1, 6))
def test_priorities_and_reviews_are_the_textbooks_algorithms(wanted: list[int], capacity: int) -> None:
    objects = np.array(wanted)
    ones = np.ones(len(objects))
    for rules, oracle in ((LRU, textbook_lru), (second_chances(), textbook_clock), (sieve(), textbook_sieve)):
        assert simulate(objects, ones, capacity, rules).misses == oracle(objects, capacity)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=120), st.integers(1, 6), st.integers(0, 1000))
def test_perfect_guesses_are_belady_and_nobody_misses_less(wanted: list[int], capacity: int, seed: int) -> None:
    objects = np.array(wanted)
    draw = np.random.default_rng(seed)
    least = belady_misses(objects, capacity)
    assert simulate(objects, guesses(objects, 0.0, 1), capacity, BLIND).misses == least
    chance = Rules(lambda seen: draw.random(), lambda seen: draw.random())
    assert simulate(objects, np.ones(len(objects)), capacity, chance).misses >= least


def test_the_order_on_skewed_and_drifting_traces() -> None:
    """Belady < SIEVE < LRU < FIFO in miss ratio, on three seeds."""
    for seed in (1, 2, 3):
        objects = zipf(30_000, seed)
        ladder = [misses(objects, 250, rules) for rules in (sieve(), LRU, FIFO)]
        ladder.insert(0, belady_misses(objects, 250) / 30_000)
        assert ladder == sorted(ladder)
        assert ladder[1] < 0.97 * ladder[2]


def test_lru_of_k_is_at_most_about_twice_belady_of_half_k() -> None:
    """Sleator and Tarjan: LRU(k) <= k / (k - h + 1) Belady(h) + h."""
    objects = zipf(20_000, 4)
    lru = simulate(objects, np.ones(len(objects)), 200, LRU).misses
    assert lru <= 200 / 101 * belady_misses(objects, 100) + 100


def test_blind_trust_is_best_with_good_guesses_and_worse_than_lru_with_bad_ones() -> None:
    objects = zipf(30_000, 5)
    lru = misses(objects, 250, LRU)
    blind = [misses(objects, 250, BLIND, sigma) for sigma in (0.0, 0.5, 2.0, 5.0)]
    assert blind == sorted(blind)
    assert blind[0] == belady_misses(objects, 250) / 30_000
    assert blind[1] < misses(objects, 250, sieve()) < lru < blind[3]


def test_what_is_observed_is_what_is_so() -> None:
    seen: list[list[float]] = []

    def note(observed: Sequence[float]) -> float:
        seen.append(list(observed))
        return observed[NOW]

    simulate([7, 8, 7, 9, 8], [2.0, 3.0, 5.0, 1.0, 1.0], 2, Rules(note), start=100)
    assert len(seen[0]) == len(OBJECT_FIELDS) + len(CACHE_FIELDS)
    names = (*OBJECT_FIELDS, *CACHE_FIELDS)
    hit = dict(zip(names, seen[2], strict=True))
    assert (hit["idle"], hit["age"], hit["hits"], hit["asked"], hit["fresh"]) == (2.0, 2.0, 1.0, 2.0, 0.0)
    assert (hit["now"], hit["capacity"], hit["error"], hit["guesses"]) == (103.0, 2.0, 0.0, 1.0)
    back = dict(zip(names, seen[4], strict=True))
    # 8 was let go when 9 came, at 104, and its guess of 3 requests was right.
    assert (back["idle"], back["ghost"], back["asked"], back["fresh"], back["floor"]) == (3.0, 1.0, 2.0, 1.0, 103.0)


def test_refuses_what_cannot_be() -> None:
    one = np.ones(3)
    with pytest.raises(ValueError, match="n >= 1"):
        simulate(np.array([], dtype=int), np.array([]), 2, LRU)
    with pytest.raises(ValueError, match="request 1 wants -4"):
        simulate([1, -4, 2], one, 2, LRU)
    with pytest.raises(ValueError, match=r"request 2 has 0\.0"):
        simulate([1, 2, 3], [1.0, 1.0, 0.0], 2, LRU)
    with pytest.raises(ValueError, match="capacity"):
        simulate([1, 2, 3], one, 0, LRU)
    with pytest.raises(DecisionError, match="finite"):
        simulate([1, 2, 3], one, 2, Rules(lambda seen: math.nan))
    with pytest.raises(DecisionError, match="finite"):
        simulate([1, 2, 3], one, 1, Rules(lambda seen: 1.0, lambda seen: math.inf))
    endless = Rules(lambda seen: seen[NOW], lambda seen: seen[NOW] + 5)
    with pytest.raises(EventLimitError, match="4 reviews"):
        simulate(np.arange(50), np.ones(50), 3, endless, review_limit=4)
