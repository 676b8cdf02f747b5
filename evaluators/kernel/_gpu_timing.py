"""How long does a kernel take on a GPU, in units of its bar's time? By the device's own marks, in pairs.

The pairs are those of a core (``_race``): fresh inputs, alternating order, every answer looked at. Before a call the
second-level cache is told to keep nothing and is written over, so the times are those of cold inputs. Clocks are not
locked, since a device that is held by its power limit does not obey; they are recorded. On an H200 kernels of 6 to 1000
us against themselves came out between 0.975 and 1.04, and one of 16 us once at 1.08.
"""

from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._contract import Status
from ._gpu_runner import GpuKernel, OnGpu
from ._gpus import State, state
from ._interface import Sizes
from ._race import Race, pairs_of, require_possible

if TYPE_CHECKING:
    from ._problem import KernelProblem

WARM_UP = 10
PAIRS = 50
LATE = 2.0
"""A call is not believed whose marks are so many times closer together than the host waited."""
LATE_S = 200e-6
"""Which it may always wait longer: for launches, and for the core."""


class GpuTiming(NamedTuple):
    """What a GPU says of one kernel on one workload."""

    ratio: float
    """Median of the pairs' ratios: kernel over bar."""
    low: float
    """Lower end of its 95 % bootstrap interval."""
    high: float
    kernel_s: float
    """Median seconds of one call, between its marks."""
    bar_s: float
    host_s: float
    """Median seconds of the kernel's process, for the flush of the cache and the call."""
    copy_s: float
    """Of copying as many bytes as a call must move, at best."""
    graph_s: float | None
    """Of one call among many, each a graph, on warm caches: what is left without launching. None where it is unknown.

    A second figure: those calls are not looked at.
    """
    error: float
    """Largest error of the checked calls, as a share of what is allowed."""
    state: State | None
    """The device's, right after the last pair."""


def timed_on_gpu(
    problem: "KernelProblem", kernel: GpuKernel, bar: OnGpu, sizes: Sizes, rng: np.random.Generator
) -> GpuTiming:
    """Time a kernel against a bar on the same GPU, which the caller holds.

    Raises CandidateFault for a call that was wrong, and ``cheated`` for a time that cannot be.
    """
    copied = kernel.copy_s(problem.moved_bytes(sizes))
    race = Race(problem, kernel, bar, sizes, 1, rng)
    kernel.begin()
    laps = [race.pair(nullcontext(), kernel_first=bool(i % 2)) for i in range(WARM_UP + PAIRS)][WARM_UP:]
    after, graph_s = state(kernel.gpu), kernel.graph_s()
    seconds = np.array([(ours.device_s, theirs.device_s) for ours, theirs in laps])
    host_s, queued_s = (float(np.median(each)) for each in zip(*((o.wall_s, o.queued_s) for o, _ in laps), strict=True))
    if host_s > LATE * queued_s + LATE_S:
        detail = f"its marks lie {queued_s * 1e6:.3g} us apart, and the host waited for {host_s * 1e6:.3g} us"
        raise kernel.wrong(f"work goes on behind the end of a call: {detail}", Status.CHEATED)
    kernel_s, bar_s = (float(each) for each in np.median(seconds, axis=0))
    require_possible(kernel, kernel_s, copied)
    found = pairs_of(seconds)
    return GpuTiming(found.ratio, found.low, found.high, kernel_s, bar_s, host_s, copied, graph_s, race.error, after)
