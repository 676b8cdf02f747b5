"""Passes on a pipeline: the bubbles of the literature, exactly, and an order's memory, links and dead ends."""

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.search_spaces.pipeline_schedule._workloads import MIXES, generate
from speciate.simulators.training import (
    DEVICE_FIELDS,
    PASS_FIELDS,
    PIPELINE_FIELDS,
    DecisionError,
    Ints,
    Iteration,
    Pipeline,
    Rank,
    interleaved,
    least_period,
    plain,
    simulate,
    vee,
)

FIELDS = PASS_FIELDS + DEVICE_FIELDS + PIPELINE_FIELDS
SHAPES = [(4, 8), (8, 24), (8, 32), (16, 64)]


class Seen:
    """What a rank is asked with, by name."""

    def __init__(self, values: Sequence[float]):
        self.__dict__.update(zip(FIELDS, values, strict=True))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def even(device: Ints, micros: int, memory: float, *, weight_s: float = 1.0, **changes: float) -> Pipeline:
    """Return a pipeline whose devices take 1 s for each pass of a micro-batch, and 1 of memory."""
    chunks = len(device) / (device.max() + 1)
    part = np.full((len(device), micros), 1.0 / chunks)
    backward = changes.pop("backward_s", 1.0)
    capacity = np.full(device.max() + 1, memory)
    return Pipeline(device, part, backward * part, weight_s * part, part, 1.0, capacity, **changes)


def all_forward_first(values: Sequence[float]) -> float:
    seen = Seen(values)
    return -3.0 if seen.forward else -2.0 if seen.weight else -1.0


def one_forward_one_backward(values: Sequence[float]) -> float:
    seen = Seen(values)
    if not seen.forward:
        return -3.0 if seen.weight else -2.0
    return -1.0 if seen.flying < seen.devices - seen.index else 1.0


def zero_bubble_h1(values: Sequence[float]) -> float:
    """Forward first up to 1F1B's limit, then backward; weights' passes once more than the device's number are owed."""
    seen = Seen(values)
    if seen.weight:
        return -5.0 if seen.weights > seen.index else -1.0
    if seen.backward:
        return -3.0
    return -4.0 if seen.flying < seen.devices - seen.index else -2.0


def greedy(values: Sequence[float]) -> float:
    """Backward, then forward, then weights' passes; never waiting. With memory for 2p - 1 it is ZB-H2."""
    seen = Seen(values)
    return -3.0 if seen.backward else -2.0 if seen.forward else -1.0


def in_turn(values: Sequence[float]) -> float:
    """Interleaved 1F1B: the fixed order of Narayanan et al. 2021."""
    seen = Seen(values)
    if seen.weight:
        return -2.0
    devices, chunks, back = int(seen.devices), int(seen.chunks), int(seen.begun - seen.flying)
    warm = 2 * (devices - seen.index - 1) + (chunks - 1) * devices
    due = seen.begun < min(seen.micros * chunks, warm + back + 1)
    group, within = divmod(int(seen.begun) if due else back, devices * chunks)
    chunk = within // devices if due else chunks - 1 - within // devices
    mine = (bool(seen.forward), seen.micro, seen.chunk) == (due, group * devices + within % devices, chunk)
    return -1.0 if mine else 1.0


def bubble(pipeline: Pipeline, rank: Rank) -> float:
    """Return the seconds that the period has above the work of the fullest device."""
    return float(simulate(pipeline, rank).period_s - pipeline.work_s().max())


@pytest.mark.parametrize(("p", "m"), SHAPES)
@pytest.mark.parametrize("rank", [all_forward_first, one_forward_one_backward])
def test_gpipe_and_1f1b_take_m_plus_p_minus_1_times_all_three_passes(p: int, m: int, rank: Rank) -> None:
    """Whole backward passes: bubble fraction (p - 1) / (m + p - 1). GPipe holds m micro-batches, 1F1B p."""
    memory = m if rank is all_forward_first else p
    found = simulate(even(plain(p), m, memory, backward_s=2.0, weight_s=0.0), rank)
    assert found.period_s == 3.0 * (m + p - 1)
    assert 1.0 - 3.0 * m / found.period_s == pytest.approx((p - 1) / (m + p - 1))
    assert found.peak.max() == (m if rank is all_forward_first else p)


@pytest.mark.parametrize(("p", "m", "percent"), [(4, 8, 27.3), (8, 24, 22.6), (8, 64, 9.9), (16, 32, 31.9)])
def test_the_bubble_fractions_of_the_table(p: int, m: int, percent: float) -> None:
    pipeline = even(plain(p), m, p, backward_s=2.0, weight_s=0.0)
    assert 100.0 * (1.0 - 3.0 * m / simulate(pipeline, one_forward_one_backward).period_s) == pytest.approx(
        percent, abs=0.05
    )


@pytest.mark.parametrize(("p", "m"), SHAPES)
def test_h1_has_a_third_of_the_bubble_at_1f1bs_memory(p: int, m: int) -> None:
    """(p - 1)(F + B - W) with equal passes, against (p - 1)(F + B + W); and no order has less at that memory."""
    pipeline = even(plain(p), m, p)
    found = simulate(pipeline, zero_bubble_h1)
    assert found.period_s == 3.0 * m + (p - 1) == least_period(pipeline)
    assert found.peak.max() == p


@pytest.mark.parametrize(("p", "m"), [(4, 12), (8, 24), (8, 64), (16, 48)])
def test_h2_has_no_bubble_at_twice_the_memory_unless_devices_end_together(p: int, m: int) -> None:
    pipeline = even(plain(p), m, 2 * p - 1)
    found = simulate(pipeline, greedy)
    assert found.period_s == 3.0 * m
    assert found.peak.max() == 2 * p - 1
    assert simulate(replace(pipeline, synchronised=True), greedy).period_s == 3.0 * m + p - 1


def test_zero_bubbles_gain_a_quarter_to_a_third_and_less_with_more_micro_batches() -> None:
    """25.0, 29.2 and 31.2 % over 1F1B at m = 3p for p = 4, 8, 16; 10.9 % for p = 8 and m = 64."""
    gains = [100.0 * ((m + p - 1) / m - 1.0) for p, m in ((4, 12), (8, 24), (16, 48), (8, 64))]
    assert gains == pytest.approx([25.0, 29.2, 31.2, 10.9], abs=0.06)
    for (p, m), gain in zip(((4, 12), (8, 24), (16, 48), (8, 64)), gains, strict=True):
        fused = simulate(even(plain(p), m, p, backward_s=2.0, weight_s=0.0), one_forward_one_backward).period_s
        split = simulate(even(plain(p), m, 2 * p - 1), greedy).period_s
        assert 100.0 * (fused / split - 1.0) == pytest.approx(gain)


def test_a_greedy_order_at_1f1bs_memory_falls_short_of_h1() -> None:
    """p = 8, m = 24: it gains 14.8 % on 1F1B, and H1 17.7 %: what there is for a search to find."""
    fused = simulate(even(plain(8), 24, 8, backward_s=2.0, weight_s=0.0), one_forward_one_backward).period_s
    gains = [
        100.0 * (fused / simulate(even(plain(8), 24, 8), rank).period_s - 1.0) for rank in (greedy, zero_bubble_h1)
    ]
    assert gains == pytest.approx([14.8, 17.7], abs=0.05)


@pytest.mark.parametrize(("p", "m"), [(4, 8), (4, 16), (8, 16)])
@pytest.mark.parametrize("chunks", [1, 2, 4])
def test_interleaving_divides_the_bubble_by_the_chunks(p: int, m: int, chunks: int) -> None:
    pipeline = even(interleaved(p, chunks), m, m, backward_s=2.0, weight_s=0.0)
    assert simulate(pipeline, in_turn).period_s == 3.0 * m + 3.0 * (p - 1) / chunks


def test_links_cost_interleaved_orders_more() -> None:
    added = []
    for chunks in (1, 2, 4):
        pipeline = even(interleaved(8, chunks), 16, 16, backward_s=2.0, weight_s=0.0)
        added.append(bubble(replace(pipeline, transfer_s=0.1), in_turn) - bubble(pipeline, in_turn))
    assert added == sorted(added)
    assert added[2] > 3 * added[0]


class Repeated:
    """Ranks of a pattern that each micro-batch repeats on a vee of stages (Qi et al. 2024, controllable memory).

    Args:
        devices: how many.
        micros: micro-batches.
        steps: passes' lengths from device to device: down with the forward passes of the first chunk, up with those of
            the second, down with its backward passes, up with the first's.
        turns: the same between one of those and the next.
        squeezed: whether forward passes of the first chunk, then weights' passes, fill what would be idle; else all
            passes run in the pattern's order.
    """

    def __init__(self, devices: int, micros: int, steps: Sequence[int], turns: Sequence[int], *, squeezed: bool):
        self.squeezed = squeezed
        self.order = [self._order(devices, device, micros, steps, turns) for device in range(devices)]
        self.next = [0] * devices
        self.started: set[tuple[int, ...]] = set()
        self.left = [math.inf] * devices
        self.lowest: list[tuple[float, tuple[int, ...]]] = [(1.0, ())] * devices

    def _order(
        self, devices: int, device: int, micros: int, steps: Sequence[int], turns: Sequence[int]
    ) -> list[tuple[int, ...]]:
        """Return (device, kind, chunk, micro-batch) in order of start; each micro-batch comes six passes later."""
        down, up, far = device, devices - 1 - device, devices - 1
        second = steps[0] * far + turns[0]
        third = second + steps[1] * far + turns[1]
        fourth = third + steps[2] * far + turns[2]
        starts = {
            (0, 0): steps[0] * down,
            (0, 1): second + steps[1] * up,
            (1, 1): third + steps[2] * down,
            (1, 0): fourth + steps[3] * up,
        }
        free = [slot for slot in range(6) if slot not in {start % 6 for start in starts.values()}]
        assert len(free) == 2, "passes of the pattern meet"
        if not self.squeezed:
            backward = starts[1, 1] + 1, starts[1, 0] + 1
            ways = [
                [begin + (slot - begin) % 6 for begin, slot in zip(backward, each, strict=True)]
                for each in (free, free[::-1])
            ]
            starts[2, 1], starts[2, 0] = min(ways, key=sum)
        timed = [(start + 6 * micro, device, *what, micro) for what, start in starts.items() for micro in range(micros)]
        return [each[1:] for each in sorted(timed)]

    def __call__(self, values: Sequence[float]) -> float:
        seen = Seen(values)
        device, kind = int(seen.index), 0 if seen.forward else 1 if seen.backward else 2
        order = self.order[device]
        if seen.left_s < self.left[device]:  # what was ranked lowest has started
            self.started.add(self.lowest[device][1])
            while self.next[device] < len(order) and order[self.next[device]] in self.started:
                self.next[device] += 1
            self.left[device], self.lowest[device] = seen.left_s, (1.0, ())
        this = (device, kind, int(seen.chunk), int(seen.micro))
        rank = -1.0 if self.next[device] < len(order) and order[self.next[device]] == this else 1.0
        if self.squeezed and rank > 0.0 and (seen.weight or (seen.forward and seen.chunk == 0)):
            rank = -0.4 if seen.weight else -0.5
        self.lowest[device] = min(self.lowest[device], (rank, this))
        return rank


@pytest.mark.parametrize(("p", "m"), [(4, 12), (8, 24)])
def test_a_vee_trades_bubbles_for_memory_as_v_zb_v_half_and_v_min_do(p: int, m: int) -> None:
    """Bubbles of 0, p/2m and 2p/3m of the work at p, (p + 2)/2 and (p + 4)/3 activations, where 1F1B has p/m at p."""
    one_pass_each = (1, 1, 1)
    for steps, turns, memory, most in (
        ((3, 3, 3, 3), one_pass_each, p, 0.0),
        ((1, 2, 1, 2), (4, 1, 5), (p + 2) / 2, 3 * p / 2),
        ((1, 1, 1, 1), one_pass_each, (p + 4) / 3, 2 * p),
    ):
        rank = Repeated(p, m, steps, turns, squeezed=most == 0.0)
        found = simulate(even(vee(p), m, memory if most == 0.0 else m), rank)
        assert found.peak.max() <= memory
        assert 3.0 * m + most / 2 <= found.period_s <= 3.0 * m + most


def test_the_bubble_falls_with_memory_until_it_is_gone() -> None:
    found = [bubble(even(plain(6), 18, memory), greedy) for memory in (3, 6, 8, 11, 18)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[1] > found[3] == found[4] == 0.0


def first_ended(iteration: Iteration, pipeline: Pipeline) -> None:
    """Assert that every pass starts after what it waits for, and that no device does two things at once."""
    start, end = iteration.start_s, iteration.end_s
    sent = np.where(np.diff(pipeline.device) == 0, 0.0, pipeline.transfer_s)[:, None]
    assert np.all(start[0, 1:] >= end[0, :-1] + sent - 1e-9)
    assert np.all(start[1, :-1] >= end[1, 1:] + sent - 1e-9)
    assert np.all(start[1, -1] >= end[0, -1] - 1e-9)
    assert np.all(start[2] >= end[1] - 1e-9)
    for device in range(pipeline.devices):
        mine = pipeline.device == device
        order = np.argsort(start[:, mine].ravel(), kind="stable")
        first, last = start[:, mine].ravel()[order], end[:, mine].ravel()[order]
        assert np.all(first[1:] >= last[:-1] - 1e-9)
        assert (last - first).sum() == pytest.approx(pipeline.work_s()[device])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10_000), st.sampled_from(sorted(MIXES["heldout"])), st.floats(0.2, 2.0))
def test_every_order_runs_every_pass_once_within_memory_and_bound(seed: int, mix: str, memory: float) -> None:
    """Ranks at random, waiting half of the time: no dead end, whatever the layout."""
    pipeline = generate(MIXES["heldout"][mix]._replace(memory=memory, micro_batches=6), seed)
    draw = Random(seed)
    iteration = simulate(pipeline, lambda seen: draw.random() - 0.5)
    assert sorted(iteration.order.tolist()) == list(range(3 * pipeline.forward_s.size))
    first_ended(iteration, pipeline)
    assert np.all(iteration.peak <= pipeline.capacity * (1 + 1e-8))
    assert iteration.period_s >= least_period(pipeline) * (1 - 1e-9)
    assert iteration.period_s >= iteration.span_s.max() - 1e-9


def test_what_is_observed_is_what_is_so() -> None:
    seen: list[list[float]] = []

    def note(values: Sequence[float]) -> float:
        seen.append(list(values))
        return greedy(values)

    simulate(even(plain(2), 2, 2.0, transfer_s=0.5, backward_s=2.0), note)
    assert len(seen[0]) == len(FIELDS)
    told = [dict(zip(FIELDS, values, strict=True)) for values in seen]
    # F, transfer, F, B, transfer, B: 1 + 0.5 + 1 + 2 + 0.5 + 2, and a weights' pass of 1.
    assert told[0]["path_s"] == 8.0
    assert [told[0][name] for name in ("devices", "micros", "chunks", "transfer_s")] == [2.0, 2.0, 1.0, 0.5]
    assert [told[0][name] for name in ("forward_s", "backward_s", "weight_s", "kept")] == [1.0, 2.0, 1.0, 1.0]
    assert [told[0][name] for name in ("free", "held", "left_s", "coming_s")] == [2.0, 0.0, 8.0, 0.0]
    on_last = next(each for each in told if each["index"] == 1.0)
    assert (on_last["forward"], on_last["coming_s"], on_last["coming_backward"]) == (1.0, 1.0, 0.0)
    weights = next(each for each in told if each["index"] == 0.0 and each["weight"])
    assert (weights["weights"], weights["flying"], weights["begun"]) == (1.0, 1.0, 2.0)


def test_a_device_that_waits_is_asked_again_and_the_lowest_runs_where_nothing_is_under_way() -> None:
    pipeline = even(plain(1), 2, 2.0)
    stubborn = simulate(pipeline, lambda values: 1.0 + values[PASS_FIELDS.index("micro")])
    assert stubborn.period_s == 6.0
    # Of pairs of passes the lower micro-batch runs first; backward goes before forward where the ranks are the same.
    assert stubborn.order.tolist() == [0, 2, 4, 1, 3, 5]


def test_refuses_what_cannot_be() -> None:
    pipeline = even(plain(2), 3, 2.0)
    wrong = pipeline.forward_s.copy()
    wrong[1, 2] = 0.0
    with pytest.raises(ValueError, match="forward_s must be finite and > 0, but stage 1, micro-batch 2 has 0"):
        replace(pipeline, forward_s=wrong)
    with pytest.raises(ValueError, match="micro-batches >= 1"):
        replace(pipeline, forward_s=np.ones((2, 0)))
    with pytest.raises(ValueError, match="weight_s must have the shape"):
        replace(pipeline, weight_s=np.ones((2, 2)))
    with pytest.raises(ValueError, match="none left out"):
        replace(pipeline, device=np.array([0, 2]))
    with pytest.raises(
        ValueError, match=r"device 1 needs room for a micro-batch in each of its stages, 1 in all, and has 0.5"
    ):
        replace(pipeline, capacity=np.array([1.0, 0.5]))
    for change in ({"kept": 1.5}, {"transfer_s": -1.0}):
        with pytest.raises(ValueError, match=next(iter(change))):
            replace(pipeline, **change)
    with pytest.raises(DecisionError, match="finite"):
        simulate(pipeline, lambda values: math.inf)


def test_two_processes_run_the_same_iteration() -> None:
    script = """
import random
from speciate.search_spaces.pipeline_schedule._workloads import MIXES, generate
from speciate.simulators.training import simulate
draw = random.Random(1)
iteration = simulate(generate(MIXES["train"]["vee"], 3), lambda seen: draw.random() - 0.5)
print(iteration.order.tolist(), iteration.end_s.sum().hex())
"""
    assert printed(script, "1") == printed(script, "77")


def printed(script: str, seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout
    return done.stdout
