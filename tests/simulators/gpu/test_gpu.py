"""What is known of kernels on a GPU: published occupancies, coalescing, caches, and what any model must keep."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speciate.simulators.gpu import (
    DEVICES,
    LAUNCH_S,
    LINE_BYTES,
    Access,
    Launch,
    LaunchError,
    Program,
    Resources,
    Work,
    lines_fetched,
    modelled,
    occupancy,
    roofline_s,
    sectors,
    traffic,
)

H100 = DEVICES["H100"]
PLAIN = Resources(warps=8, registers=32)
N = 4096
TILES = (
    # rows, columns, warps, registers, spilled, shared; blocks and occupancy; TFLOP/s of a rough model of an H100
    (32, 32, 4, 47, 0, 4096, 10, 0.62, 88),
    (64, 64, 4, 62, 0, 24576, 8, 0.50, 175),
    (128, 64, 4, 120, 0, 73728, 3, 0.19, 232),
    (128, 128, 8, 104, 0, 98304, 2, 0.25, 347),
    (128, 256, 8, 193, 0, 147456, 1, 0.12, 460),
    (256, 128, 8, 193, 0, 196608, 1, 0.12, 460),
    (128, 256, 4, 255, 720, 196608, 1, 0.06, 307),
    (256, 256, 8, 255, 664, 131072, 1, 0.12, 455),
)
"""Tiles of a product of two 4096 x 4096 matrices in fp16, as compiled for an H100 by Triton."""


def floats(start: int, count: int, stride: int = 1, kind: str = "load") -> Access:
    """float32 elements that lie ``stride`` of them apart, from byte ``start`` on."""
    return Access(kind, start + 4 * stride * np.arange(count), np.ones(count, dtype=bool), 4)  # type: ignore[arg-type]


def copying(index: int, count: int = 1024, stride: int = 1) -> Program:
    """A program that copies its part of an array."""
    at = index * count * stride * 4
    return Program((floats(at, count, stride), floats((1 << 40) + at, count, kind="store")))


def test_occupancies_are_the_published_ones() -> None:
    """37 registers: twelve blocks of 128 threads, or four of 320 (NVIDIA's guide to best practices, 64 warps an SM)."""
    for device in DEVICES.values():
        found = occupancy(device, Resources(warps=4, registers=37))
        assert found == (12, 48, 0.75, "registers")
        assert occupancy(device, Resources(warps=10, registers=37)) == (4, 40, 0.625, "registers")
        assert occupancy(device, Resources(warps=8, registers=32)) == (8, 64, 1.0, "registers")
        assert occupancy(device, Resources(warps=1, registers=32)) == (32, 32, 0.5, "blocks")
        assert occupancy(device, Resources(warps=32, registers=255)).blocks == 0
    a100 = DEVICES["A100-80G"]
    assert occupancy(a100, Resources(4, 32, shared_bytes=16 << 10)) == (9, 36, 36 / 64, "shared")
    assert occupancy(a100, Resources(4, 32, shared_bytes=163 << 10)).blocks == 1
    assert occupancy(a100, Resources(4, 32, shared_bytes=(163 << 10) + 1)).blocks == 0
    for wrong in (Resources(0, 32), Resources(33, 32), Resources(4, 256), Resources(4, 32, -1)):
        with pytest.raises(ValueError, match="expected 1 to 32 warps"):
            occupancy(H100, wrong)


@pytest.mark.parametrize(
    ("item", "stride", "expected", "shifted"),
    [(4, 1, 4, 5), (4, 8, 32, 32), (4, 2, 8, 9), (4, 0, 1, 1), (2, 1, 2, 3), (8, 1, 8, 10)],
)
def test_a_warp_of_far_elements_moves_eight_times_the_sectors(
    item: int, stride: int, expected: int, shifted: int
) -> None:
    addresses = 4096 + item * stride * np.arange(32)
    active = np.ones(32, dtype=bool)
    assert sectors(Access("load", addresses, active, item)) == expected
    assert sectors(Access("load", addresses + 16, active, item)) == shifted
    assert sectors(Access("load", addresses, ~active, item)) == 0
    assert sectors(Access("atomic", addresses, active, item)) == 64
    half = np.arange(32) < 16
    assert sectors(Access("store", addresses, half, item)) == max(1, expected // 2)


def test_strided_copies_move_eight_times_what_they_ask_for() -> None:
    near, far = (traffic(H100, [copying(i, stride=s) for i in (0, 5)], 1000, 1e12) for s in (1, 8))
    assert near.coalescing == 1.0
    assert near.asked_bytes == far.asked_bytes == near.l2_bytes == near.dram_bytes == near.covered_bytes == 8192 * 1000
    assert near.loaded_share == 0.5
    assert near.in_flight_bytes == 4096
    pair = Program((floats(0, 1024), replace(floats(8192, 512), joined=True), floats(1 << 20, 512)))
    assert traffic(H100, [pair], 1, 1e12).in_flight_bytes == (6144**2 + 2048**2) / 8192
    assert far.l2_bytes == near.l2_bytes * 4.5
    assert far.in_flight_bytes == 8 * 4096
    assert far.dram_bytes == near.dram_bytes * 4.5


@given(st.lists(st.integers(0, 30), max_size=120), st.integers(1, 31))
@settings(max_examples=60, deadline=None)
def test_a_line_is_fetched_again_when_too_many_others_were_used_since(lines: list[int], capacity: int) -> None:
    accesses = [floats(line * LINE_BYTES, 1) for line in lines]
    expected = 0
    for i, line in enumerate(lines):
        before = [j for j in range(i) if lines[j] == line]
        expected += not before or len(set(lines[before[-1] + 1 : i])) >= capacity
    assert lines_fetched(accesses, capacity) == expected


def test_programs_share_lines_as_far_as_l2_holds_them() -> None:
    """All programs read one table and a part of their own: the table is fetched once, or ever more often."""
    table = floats(1 << 41, 1 << 15)
    programs = [Program((table, *copying(i).accesses)) for i in range(4)]
    fitting = traffic(H100, programs, 500, H100.l2_bytes / 2)
    assert fitting.dram_bytes == H100.l2_bytes / 2
    assert fitting.l2_bytes == 500 * (4 * 1024 * 2 + (1 << 17))
    growing = [traffic(H100, programs, 500, size).dram_bytes for size in (55e6, 60e6, 65e6)]
    assert growing == sorted(growing)
    assert fitting.dram_bytes < growing[0]
    assert growing[-1] <= fitting.l2_bytes
    with pytest.raises(ValueError, match="grid=3"):
        traffic(H100, programs, 3, 1e6)
    assert traffic(H100, [Program(())], 1, 0.0).dram_bytes == 0.0


def test_the_same_tile_loaded_in_turns_by_a_product_is_counted_as_written_on_paper() -> None:
    """(rows + columns) of depth k a program, and its own part of the product."""
    rows, columns, depth, step = 32, 64, 256, 32
    left = np.arange(rows)[:, None] * depth + np.arange(step)
    right = np.arange(step)[:, None] * 512 + np.arange(columns)
    accesses = []
    for k in range(0, depth, step):
        for at, tile, move in ((0, left, k), (1 << 30, right, k * 512)):
            where = (at + 2 * (tile + move)).reshape(-1)
            accesses.append(Access("load", where, np.ones(where.size, dtype=bool), 2))
    found = traffic(H100, [Program(tuple(accesses))], 8, 1e6)
    assert found.l2_bytes == 8 * (rows + columns) * depth * 2
    assert found.covered_bytes == found.l2_bytes


def product(tile: tuple[float, ...]) -> Launch:
    rows, columns, warps, registers, spilled, shared, *_ = (int(each) for each in tile)
    grid = (N // rows) * (N // columns)
    return Launch(
        grid=grid,
        resources=Resources(warps, registers, shared, spilled),
        dram_bytes=3 * N * N * 2,
        l2_bytes=grid * (rows + columns) * N * 2 + N * N * 2,
        work=Work(half_flops=2 * N**3),
        in_flight_bytes=shared,
        single_warp_mma=rows < 64,
    )


def test_tiles_of_a_product_rank_as_in_a_model_made_elsewhere() -> None:
    """Large tiles first, the spilling ones after them, small ones last; within a quarter of those figures."""
    figures = []
    for tile in TILES:
        found = modelled(H100, product(tile))
        assert found.occupancy.blocks == tile[6]
        assert found.occupancy.share == pytest.approx(tile[7], abs=0.006)
        assert found.bound == "l2"
        figures.append(2 * N**3 / found.seconds / 1e12)
    expected = [tile[-1] for tile in TILES]
    assert np.argsort(figures, kind="stable").tolist() == np.argsort(expected, kind="stable").tolist()
    assert figures == pytest.approx(expected, rel=0.25)


@given(
    st.integers(1, 5000),
    st.integers(1, 8),
    st.integers(16, 255),
    st.floats(1e3, 1e10),
    st.floats(1.0, 8.0),
    st.floats(64, 1e5),
    st.integers(0, 5),
)
@settings(max_examples=200, deadline=None)
def test_more_of_anything_is_never_faster(
    grid: int, warps: int, registers: int, size: float, factor: float, in_flight: float, which: int
) -> None:
    more = dict.fromkeys(Work._fields, 0.0)
    base = Launch(
        grid, Resources(warps, registers), size, 2 * size, Work(half_flops=100 * size), in_flight_bytes=in_flight
    )
    slower = [
        base._replace(dram_bytes=min(2.0, factor) * size),
        base._replace(l2_bytes=2 * size * factor),
        base._replace(work=Work(**{**more, "half_flops": 100 * size * factor})),
        base._replace(resources=Resources(warps, registers, spill_bytes=64)),
        base._replace(in_flight_bytes=in_flight / factor),
        base._replace(resources=Resources(warps, registers, shared_bytes=100 << 10)),
    ][which]
    assert modelled(H100, slower).seconds >= modelled(H100, base).seconds * (1 - 1e-12)


def test_a_launch_lasts_as_long_as_its_longest_program_waits() -> None:
    """Each of 1,056 programs waits 76 us for its 947 KB, 10 KB at a time; all together move 1 GB in 299 us."""
    launch = Launch(132 * 8, PLAIN, 1e9, 1e9, in_flight_bytes=1e4)
    alone_s = 1e9 / 1056 / 1e4 * 0.8e-6
    busy_s = 1e9 / 3.35e12
    assert modelled(H100, launch._replace(longest=3.0)).seconds == pytest.approx(LAUNCH_S + busy_s)
    assert modelled(H100, launch._replace(longest=20.0)).seconds == pytest.approx(LAUNCH_S + 20.0 * alone_s)
    with pytest.raises(ValueError, match="longest likewise"):
        modelled(H100, launch._replace(longest=0.5))


def test_half_the_blocks_hurt_where_too_little_is_in_flight_and_only_there() -> None:
    """3.35 TB/s for 0.8 us over 132 SMs: some 20 KB must be in flight on each."""
    launch = Launch(132 * 80, PLAIN, 1e9, 1e9, in_flight_bytes=5e3)
    assert modelled(H100, launch).latency_factor == 1.0
    starved = launch._replace(in_flight_bytes=2e3)
    factors = []
    for shared in (0, 50 << 10, 100 << 10):
        found = modelled(H100, starved._replace(resources=Resources(8, 32, shared)))
        factors.append((found.occupancy.blocks, found.latency_factor))
    needed = 3.35e12 * 0.8e-6 / 132
    assert factors == [
        (8, pytest.approx(needed / 16e3)),
        (4, pytest.approx(needed / 8e3)),
        (2, pytest.approx(needed / 4e3)),
    ]
    stores = modelled(H100, starved._replace(loaded_share=0.0))
    assert stores.latency_factor == 1.0
    busy = starved._replace(work=Work(half_flops=3e12))
    assert modelled(H100, busy).bound == "tensor"
    assert modelled(H100, busy).latency_factor == 1.0


def test_one_block_too_many_costs_a_wave_and_registers_that_spill_cost_time() -> None:
    times = [
        modelled(H100, Launch(g, PLAIN, 1e7, 1e7, Work(fp32_ops=g * 1e8))).seconds - LAUNCH_S
        for g in (131, 132, 133, 264)
    ]
    assert times[0] == pytest.approx(times[1])
    assert times[2] == pytest.approx(2 * times[1]) == times[3]
    clean, spilling = (
        modelled(H100, Launch(1320, Resources(8, 255, spill_bytes=spilled), 1e9, 1e9)) for spilled in (0, 510)
    )
    assert clean.spill_factor == 1.0
    assert spilling.spill_factor == 1.5
    assert spilling.seconds > clean.seconds


def test_what_no_device_can_launch_is_refused_and_no_kernel_beats_the_least_bytes() -> None:
    with pytest.raises(LaunchError, match="short of shared"):
        modelled(H100, Launch(1, Resources(4, 32, 228 << 10), 1.0, 1.0))
    with pytest.raises(ValueError, match="grid of 1"):
        modelled(H100, Launch(0, PLAIN, 1.0, 1.0))
    for device in DEVICES.values():
        copied = modelled(device, Launch(device.sms * 100, PLAIN, 1e9, 1e9, in_flight_bytes=1e5))
        assert copied.seconds == pytest.approx(roofline_s(device, 1e9))
        assert copied.bound == "dram"
    h100, h200 = (modelled(DEVICES[name], Launch(13200, PLAIN, 1e9, 1e9)).seconds for name in ("H100", "H200"))
    assert h200 < h100
    slow = modelled(H100, Launch(132, PLAIN, 1.0, 1.0, Work(half_flops=1e12), single_warp_mma=True))
    assert slow.tensor_s == pytest.approx(1e12 / 989e12 / 0.63)
