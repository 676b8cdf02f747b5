"""A CUDA kernel where there is no GPU: right in the emulator at the sizes that count, and its time as a model has it.

The emulator runs a call at those sizes and writes down what a few blocks of each launch do. Where a launch is too large
to be run whole, only those blocks run, and the call's answer is not looked at: it was checked at the sizes of the
tests. Loads of a thread are taken to be asked for together, up to four turns of a loop, as a compiler would: unless a
barrier, a store to device memory or a whole number that may be an index comes between them. Arithmetic is not written
down, but for exponentials and logarithms, so a kernel that is bound by plain operations is thought to be faster than it
is.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from speciate.simulators.gpu import WARP, Device, Resources

from ._arena import POISONS, Contents, guard_words, laid
from ._checks import answered, truth_of
from ._cuda import Image
from ._interface import Sizes
from ._launches import Planned
from ._modelled import TRACE_BYTES, Compiled, Estimate, watched
from ._race import TIMED
from ._trace import launches, written

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel

WHOLE_THREADS = 1 << 22
"""Threads of a launch up to which the emulator runs all its blocks."""


def estimated(
    problem: "KernelProblem", kernel: "Kernel", device: Device, sizes: Sizes, rng: np.random.Generator
) -> Estimate:
    """Run a call at ``sizes`` in the emulator, check it, and return what the model says of its launches.

    Raises CandidateFault: ``incorrect`` for an answer that is wrong there, and as ``watched`` does.
    """
    assert kernel.cuda is not None
    plan = kernel.cuda.launches.plan(sizes)
    inputs = problem.inputs(sizes, TIMED, rng)
    slot = laid(problem.interface, sizes, TRACE_BYTES)
    contents = Contents(kernel.arena, slot, inputs, guard_words(rng))
    kernel.watchdog.begin()
    kernel.record(TRACE_BYTES // 8)
    kernel.prepare([slot])
    contents.write(POISONS[0])
    kernel.run()
    kernel.record(0)
    if all(_threads(each) * math.prod(each.grid) <= WHOLE_THREADS for each in plan):
        found = answered(kernel, contents, "a call as it is timed")
        share, where = truth_of(problem, inputs, sizes).worst(found)
        if not share <= 1.0:
            raise kernel.wrong(f"a call as it is timed: {where} ({share:.3g} times the error allowed)")
    seen = launches(written(kernel.arena, TRACE_BYTES))
    compiled = [_compiled(each, kernel.cuda.image, device) for each in plan]
    return watched(device, compiled, seen, problem.moved_bytes(sizes))


def _compiled(launch: Planned, image: Image, device: Device) -> Compiled:
    """Return what a launch takes, compiled for the newest architecture that the device runs."""
    fitting = [
        each
        for each in image.resources
        if each.kernel == launch.kernel and int(each.architecture[3:]) <= device.architecture
    ]
    used = max(fitting, key=lambda each: int(each.architecture[3:]))
    resources = Resources(
        warps=-(-_threads(launch) // WARP),
        registers=used.registers,
        shared_bytes=used.shared_bytes + launch.shared,
        spill_bytes=used.spill_bytes,
    )
    return Compiled(launch.kernel, math.prod(launch.grid), resources)


def _threads(launch: Planned) -> int:
    return math.prod(launch.block)
