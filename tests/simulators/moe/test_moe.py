"""Experts on devices: loads recomputed from the slots, moves counted, and bounds held against every placement."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.simulators.moe import (
    Cluster,
    PlacementError,
    contiguous,
    device_loads,
    expected_distinct,
    least_peak,
    moved,
    simulate,
)


def keep(loads: np.ndarray, placement: np.ndarray, price: float) -> np.ndarray:
    return placement


def chance(experts: int, cluster: Cluster, rng: np.random.Generator, layers: int = 1) -> np.ndarray:
    """A random placement that leaves no expert out."""
    spare = rng.integers(experts, size=(layers, cluster.slots - experts))
    full = np.concatenate([np.tile(np.arange(experts), (layers, 1)), spare], axis=1)
    return rng.permuted(full, axis=1)


def test_an_experts_tokens_are_shared_by_its_slots() -> None:
    cluster = Cluster(devices=3, nodes=1, slots_per_device=2)
    loads = np.array([[6.0, 3.0, 1.0]])
    placement = np.array([[0, 0, 0, 1, 1, 2]])
    assert device_loads(loads, placement, cluster).tolist() == [[4.0, 3.5, 2.5]]


def test_contiguous_experts_have_no_copies_on_other_devices() -> None:
    cluster = Cluster(devices=4, nodes=2, slots_per_device=3)
    assert contiguous(8, cluster).tolist() == [0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7]
    assert contiguous(7, cluster).tolist()[-3:] == [6, 6, 6]
    assert contiguous(12, cluster).tolist() == list(range(12))


def test_moves_are_counted_by_device_and_are_near_within_a_node() -> None:
    cluster = Cluster(devices=4, nodes=2, slots_per_device=1)
    before = np.array([[0, 1, 2, 3]])
    assert moved(before, before, 4, cluster) == (0, 0)
    assert moved(before, np.array([[1, 0, 2, 3]]), 4, cluster) == (0, 2)
    assert moved(before, np.array([[2, 1, 0, 3]]), 4, cluster) == (2, 0)


def test_the_order_of_a_devices_slots_and_doubles_on_it_move_nothing() -> None:
    cluster = Cluster(devices=2, nodes=1, slots_per_device=3)
    before = np.array([[0, 1, 1, 2, 3, 3]])
    assert moved(before, np.array([[1, 0, 0, 3, 2, 2]]), 4, cluster) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(2, 1, 3), (4, 2, 2), (6, 3, 4)]), st.floats(0.0, 3.0))
def test_every_placement_serves_every_token_and_none_passes_the_bound(
    seed: int, shape: tuple[int, int, int], skew: float
) -> None:
    cluster, rng = Cluster(*shape), np.random.default_rng(seed)
    experts = int(rng.integers(1, cluster.slots + 1))
    loads = np.exp(skew * rng.standard_normal((3, experts)))
    found = device_loads(loads, chance(experts, cluster, rng, 3), cluster)
    np.testing.assert_allclose(found.sum(axis=1), loads.sum(axis=1))
    assert np.all(found.max(axis=1) >= least_peak(loads, cluster) * (1 - 1e-12))


def test_the_bound_is_the_least_of_all_placements_where_one_slot_is_a_device() -> None:
    cluster = Cluster(devices=5, nodes=1, slots_per_device=1)
    rng = np.random.default_rng(3)
    for _ in range(5):
        loads = np.exp(1.5 * rng.standard_normal((1, 3)))
        every = [np.array([each]) for each in product(range(3), repeat=5) if len(set(each)) == 3]
        best = min(device_loads(loads, each, cluster).max() for each in every)
        assert least_peak(loads, cluster)[0] == pytest.approx(best)


def test_the_bound_knows_that_an_expert_has_no_more_copies_than_devices() -> None:
    assert least_peak(np.array([90.0, 3.0, 3.0]), Cluster(devices=2, nodes=1, slots_per_device=4)) == 48.0
    assert least_peak(np.array([90.0, 3.0, 3.0]), Cluster(devices=4, nodes=1, slots_per_device=1)) == 45.0


def test_batches_touch_as_many_experts_as_the_closed_form_says() -> None:
    """E (1 - (1 - k / E)^n) for 64 experts, 8 a token: the mean of 400 draws, within 4 standard errors."""
    rng = np.random.default_rng(1)
    for tokens in (1, 4, 16, 40):
        chosen = rng.random((400, tokens, 64)).argsort(axis=2)[:, :, :8]
        distinct = np.array([len(np.unique(each)) for each in chosen])
        error = distinct.std() / np.sqrt(len(distinct))
        assert abs(distinct.mean() - expected_distinct(64, 8, tokens)) <= 4 * error
    assert expected_distinct(64, 8, 10_000) == pytest.approx(64.0)
    with pytest.raises(ValueError, match="chosen=9"):
        expected_distinct(8, 9, 1)


def test_a_planner_sees_the_past_alone_and_what_it_does_to_it_changes_nothing() -> None:
    cluster = Cluster(devices=2, nodes=1, slots_per_device=3)
    loads = np.random.default_rng(4).random((6, 2, 4)) + 0.1
    seen: list[tuple[np.ndarray, float]] = []

    def spoils(past: np.ndarray, placement: np.ndarray, price: float) -> np.ndarray:
        seen.append((past.copy(), price))
        answer = placement.copy()
        past[:], placement[:] = 0.0, 0
        return answer

    spoiled = simulate(loads, cluster, spoils, history=2, move_cost=0.3)
    np.testing.assert_array_equal([past for past, _ in seen], [loads[at : at + 2] for at in range(4)])
    assert [price for _, price in seen] == [0.0, 0.3, 0.3, 0.3]
    np.testing.assert_array_equal(spoiled.peak, simulate(loads, cluster, keep, history=2, move_cost=0.3).peak)


def test_time_is_the_fullest_devices_and_the_moves_after_the_first() -> None:
    cluster = Cluster(devices=2, nodes=2, slots_per_device=1)
    loads = np.array([[[3.0, 1.0]]] * 3)
    turns = simulate(loads, cluster, lambda past, placement, price: placement[:, ::-1], history=1, move_cost=0.5)
    assert turns.fetched.tolist() == [1.0, 1.0]
    assert turns.time == pytest.approx(1.5 + 0.5 / 2)
    assert turns.balance == pytest.approx(2.0 / 3.0)
    assert turns.bound == pytest.approx(1.5)


def test_copies_are_counted_on_other_devices_only() -> None:
    cluster = Cluster(devices=2, nodes=1, slots_per_device=2)
    loads = np.ones((2, 1, 3))
    for placement, copied in (([0, 1, 2, 2], 0.0), ([0, 1, 2, 0], 1.0)):
        answer = np.array([placement])
        found = simulate(loads, cluster, lambda past, old, price, new=answer: new, history=1, move_cost=0.0)
        assert found.copied.tolist() == [copied]


def test_refuses_what_cannot_be() -> None:
    cluster = Cluster(devices=2, nodes=1, slots_per_device=2)
    loads = np.ones((3, 2, 3))
    run = {"history": 1, "move_cost": 0.1}
    for at, value in (((1, 0, 2), -1.0), ((1, 0, 2), np.nan), ((1, 0), 0.0)):
        wrong = loads.copy()
        wrong[at] = value
        with pytest.raises(ValueError, match="window 1, layer 0"):
            simulate(wrong, cluster, keep, **run)
    with pytest.raises(ValueError, match="none of them 0"):
        simulate(np.ones((0, 2, 3)), cluster, keep, **run)
    with pytest.raises(ValueError, match="history"):
        simulate(loads, cluster, keep, history=3, move_cost=0.1)
    with pytest.raises(ValueError, match="move_cost"):
        simulate(loads, cluster, keep, history=1, move_cost=-1.0)
    with pytest.raises(ValueError, match="1 to 4 experts"):
        simulate(np.ones((3, 2, 5)), cluster, keep, **run)
    for answer, words in (
        ([[0, 1, 2, 2], [0, 1, 1, 1]], "layer 1 holds expert 2"),
        ([[0, 1, 2, 3], [0, 1, 2, 2]], "from 0 to 2, got 3"),
        ([[0, 1, 2], [0, 1, 2]], "shape"),
    ):
        placement = np.array(answer)
        with pytest.raises(PlacementError, match=words):
            simulate(loads, cluster, lambda past, old, price, new=placement: new, **run)
    for numbers in ((0, 1, 1), (4, 3, 1), (4, 2, 0)):
        with pytest.raises(ValueError, match="expected"):
            Cluster(*numbers)
