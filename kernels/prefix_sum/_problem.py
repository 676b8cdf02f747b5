"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return PrefixSum(**options)


class PrefixSum(KernelProblem):
    """``out[i] = x[0] + ... + x[i]``, summed in double and rounded once."""

    name = "prefix-sum"
    title = "Prefix sum"
    family = "scan-kernels"
    interface = KernelInterface(
        function="prefix_sum",
        inputs=(Buffer(name="x", shape=("count",)),),
        outputs=(Buffer(name="out", shape=("count",), about="the sum of x up to and with this element"),),
        sizes=("count",),
        about=(
            "`out[i] = x[0] + ... + x[i]`, to within some units in the last place of a sum that is kept in double "
            "and rounded to float once; a sum that is kept in float is wrong."
        ),
    )
    sizes: ClassVar = {
        "train": {"S": {"count": 200_000}, "M": {"count": 2_000_000}},
        "validation": {"S": {"count": 250_000}, "M": {"count": 2_400_000}},
        "heldout": {"S": {"count": 150_000}, "M": {"count": 3_000_000}, "L": {"count": 16_000_000}},
    }
    test_sizes = tuple({"count": count} for count in (1, 127, 2, 1021, 64, 7, 4096, 100, 8191, 65_537, 13, 3000))
    bars = ("numpy_form", "torch_cumsum")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return values of either sign, so that sums come near to zero again."""
        return {"x": draw(rng, distribution, (sizes["count"],))}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return sums kept in float64, in any ``dtype``: what may be lost is one rounding of each, not of the sum."""
        return {"out": np.cumsum(inputs["x"], dtype=np.float64).astype(dtype)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw up to 20,000 elements."""
        return {"count": int(rng.integers(1, 20_000))}
