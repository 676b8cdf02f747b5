"""What the model says of launches: a score over the least time, what is too little to be true, and how ranks agree."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from speciate.evaluators._contract import Cost, Status, Workload
from speciate.evaluators._errors import CandidateFault, ProblemError
from speciate.evaluators.kernel._estimated import AXES, measurement_of, objective_on
from speciate.evaluators.kernel._modelled import Compiled, Estimate, device_named, watched
from speciate.evaluators.kernel._trace import Watched
from speciate.simulators.gpu import LAUNCH_S, Access, Program, Resources, Work

H100 = device_named("H100")
PART, GRID = 2048, 4096
LEAST = 2 * 4 * PART * GRID


def copying(grid: int, stride: int = 1, work: Work = Work()) -> Watched:  # noqa: B008
    """A launch that copies floats, each program a part of its own, four of which were watched."""
    programs = []
    for number in range(0, grid, grid // 4):
        loads = 4 * stride * (number * PART + np.arange(PART))
        stores = (1 << 40) + 4 * (number * PART + np.arange(PART))
        active = np.ones(PART, dtype=bool)
        programs.append(Program((Access("load", loads, active, 4), Access("store", stores, active, 4)), work))
    return Watched(grid, 4 * PART * grid * (stride + 1), tuple(programs))


def compiled(grid: int = GRID, **changed: int) -> Compiled:
    return Compiled("copy", grid, Resources(**{"warps": 8, "registers": 32, **changed}))


def estimate(**changed: int) -> Estimate:
    return watched(H100, [compiled(**changed)], [copying(GRID)], LEAST)


def test_a_plain_copy_takes_the_least_time_and_others_longer() -> None:
    plain = estimate()
    assert 1.0 <= plain.ratio < 1.05
    assert plain.coalescing == 1.0
    assert plain.bound == "dram"
    assert plain.metrics["modelled_s"] == plain.seconds
    assert "modelled on H100, not measured" in plain.words
    spilling = estimate(registers=255, spill_bytes=255)
    few = estimate(shared_bytes=200 << 10)
    scattered = watched(H100, [compiled()], [copying(GRID, stride=8)], LEAST)
    assert plain.ratio < min(spilling.ratio, few.ratio, scattered.ratio)
    assert scattered.coalescing == pytest.approx(2 / 9)
    twice = watched(H100, [compiled()] * 2, [copying(GRID)] * 2, LEAST)
    assert twice.seconds == pytest.approx(2 * plain.seconds)
    assert twice.metrics["launches"] == 2.0
    small = watched(H100, [compiled(4)], [copying(4)], 2 * 4 * PART * 4)
    assert small.bound == "launch"
    assert small.seconds < 2 * LAUNCH_S
    busy = watched(H100, [compiled()], [copying(GRID, work=Work(special_ops=1e6))], LEAST)
    assert busy.bound == "special"
    assert busy.longest.special_s == pytest.approx(1e6 * GRID / H100.special_ops_per_s)


def test_launches_that_touch_less_than_the_task_must_are_an_alarm() -> None:
    with pytest.raises(CandidateFault, match="the task's own arrays have") as caught:
        watched(H100, [compiled(GRID // 2)], [copying(GRID // 2)], LEAST)
    assert caught.value.status is Status.CHEATED
    unlike = copying(GRID // 2)._replace(longest=2.0)
    assert watched(H100, [compiled(GRID // 2)], [unlike], LEAST).ratio >= 1.0
    with pytest.raises(CandidateFault, match="expected the launches that were compiled") as caught:
        watched(H100, [compiled()], [copying(GRID)] * 2, LEAST)
    assert caught.value.status is Status.PROTOCOL
    with pytest.raises(CandidateFault, match="short of shared") as caught:
        estimate(shared_bytes=300 << 10)
    assert caught.value.status is Status.INVALID
    with pytest.raises(ProblemError, match="option device: expected one of A100-80G"):
        device_named("TPU")


def test_a_modelled_measurement_says_that_it_is_one() -> None:
    known = {"error": 0.5, "lines": 12, "build_cached": True}
    subject: Any = SimpleNamespace(labels=[], build_cost=Cost(cpu_s=1.5), **known)
    workload = Workload(name="train/S", split="train", seed=1)
    found = [measurement_of(estimate(), subject, workload, ()) for _ in range(2)]
    assert found[0] == found[1]
    assert subject.labels == ["modelled"]
    assert found[0].objective == estimate().ratio
    assert found[0].metrics["error"] == 0.5
    assert found[0].metrics["build_cached"] == 1.0
    assert found[0].feedback.startswith("modelled on H100, not measured")
    assert found[0].descriptors == {"bound": AXES[0].number("dram"), "occupancy": 1.0, "lines": 12.0}
    assert "modelled" in objective_on(H100).unit
