"""A Triton kernel where there is no GPU: its time at the sizes that count, as a model has it.

A call at those sizes is interpreted, and what a few programs of each launch do is written down. Of a large launch only
those programs run; what they wrote is checked, where that can be told, so that a kernel cannot be another one there
than at the sizes of the tests.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from speciate.simulators.gpu import Device, Resources

from ._arena import POISONS, Arrays, Contents, guard_words, laid
from ._checks import Truth, answered, truth_of
from ._interface import Sizes
from ._modelled import TRACE_BYTES, Compiled, Estimate, watched
from ._race import TIMED
from ._trace import Watched, launches, written
from ._triton import Launch

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel

WHOLE = 16
"""Programs of a launch up to which all are run. One takes 2 to 3 ms of CPU."""
WHOLE_CALL = 512
"""Programs of a call up to which all are run where a later launch builds on a large one: else nothing could be said."""
_WHERE = "a call as it is modelled"


def estimated(
    problem: "KernelProblem", kernel: "Kernel", device: Device, sizes: Sizes, rng: np.random.Generator
) -> Estimate:
    """Interpret a call at ``sizes``, check what it wrote, and return what the model says of its launches.

    Args:
        problem: which kernel it should be.
        kernel: in a worker that can write down what it launches.
        device: what is modelled.
        sizes: of the call; one that the kernel was compiled for.
        rng: of its inputs and guards; the same state gives the same estimate.

    Raises CandidateFault: ``incorrect`` for what is wrong, and as ``watched`` does.
    """
    call = tuple(sizes[name] for name in problem.interface.sizes)
    made = kernel.launches[call, device.architecture]
    programs = most_programs([math.prod(each.grid) for each in made])
    inputs = problem.inputs(sizes, TIMED, rng)
    slot = laid(problem.interface, sizes, TRACE_BYTES)
    contents = Contents(kernel.arena, slot, inputs, guard_words(rng))
    kernel.watchdog.begin()
    kernel.record(TRACE_BYTES // 8, programs)
    kernel.prepare([slot])
    contents.write(POISONS[0])
    kernel.run()
    kernel.record(0)
    seen = launches(written(kernel.arena, TRACE_BYTES))
    _require_right(
        kernel, contents, [each.grid <= programs for each in seen], seen[-1:], truth_of(problem, inputs, sizes)
    )
    return watched(device, compiled(made), seen, problem.moved_bytes(sizes))


def most_programs(grids: Sequence[int]) -> int:
    """Return how many programs a launch of a call may have to be run whole; ``grids`` are those of its launches."""
    builds_on_large = any(each > WHOLE for each in grids[:-1])
    return sum(grids) if builds_on_large and sum(grids) <= WHOLE_CALL else WHOLE


def compiled(made: Sequence[Launch]) -> list[Compiled]:
    """Return what the launches of a call take, as the model asks for it."""
    return [
        Compiled(
            kernel=each.kernel,
            grid=math.prod(each.grid),
            resources=Resources(each.warps, each.registers, each.shared_bytes, each.stack_bytes),
            single_warp_mma=each.tensor_cores == "mma",
            stages=each.stages,
        )
        for each in made
    ]


def _require_right(
    kernel: "Kernel", contents: Contents, whole: Sequence[bool], last: Sequence[Watched], truth: Truth
) -> None:
    """Check the answer, or what the last launch wrote of it where only some of its programs ran.

    What comes of a launch that was not whole is not looked at, and neither are sums that its other programs add to.
    """
    if all(whole):
        found = answered(kernel, contents, _WHERE)
    else:
        if (trespass := contents.trespass()) is not None:
            raise kernel.wrong(f"{_WHERE}: the kernel {trespass}")
        adds = any(access.kind == "atomic" for each in last for program in each.programs for access in program.accesses)
        if adds or not all(whole[:-1]):
            return
        outputs = contents.outputs()
        there = {name: _written(values) for name, values in outputs.items()}
        missing = [name for name, each in there.items() if not each.any()]
        if missing:
            raise kernel.wrong(f"{_WHERE}: {missing[0]}: not one of the programs that were run wrote any of it")
        found = _completed(outputs, there, truth.outputs)
    share, where = truth.worst(found)
    if not share <= 1.0:
        raise kernel.wrong(f"{_WHERE}: {where} ({share:.3g} times the error allowed)")


def _written(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return where an output is no longer as it was poisoned."""
    poison = np.resize(np.frombuffer(POISONS[0].to_bytes(4, "little"), dtype=np.uint8), values.nbytes)
    changed = (values.reshape(-1).view(np.uint8) != poison).reshape(-1, values.itemsize)
    there: NDArray[np.bool_] = changed.any(axis=1).reshape(values.shape)
    return there


def _completed(found: Arrays, there: dict[str, NDArray[np.bool_]], truth: Arrays) -> Arrays:
    """Return the outputs with the truth wherever nothing was written."""
    return {name: np.where(there[name], each, truth[name].astype(each.dtype)) for name, each in found.items()}
