"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes

BINS = 256
_SHARE_OF_ONE = 0.95
_STEEP = 6.0


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return Histogram(**options)


class Histogram(KernelProblem):
    """``counts[b]`` is how many of the values are ``b``."""

    name = "histogram"
    title = "Histogram of 256 bins"
    family = "scan-kernels"
    interface = KernelInterface(
        function="histogram",
        inputs=(Buffer(name="values", shape=("count",), dtype="int32", about="each from 0 to 255"),),
        outputs=(Buffer(name="counts", shape=(BINS,), dtype="int32", about="how often each value occurs"),),
        sizes=("count",),
        about="`counts[b]` = the number of `i` with `values[i] == b`; exact.",
    )
    sizes: ClassVar = {
        "train": {"S": {"count": 300_000}, "M": {"count": 2_000_000}},
        "validation": {"S": {"count": 400_000}, "M": {"count": 2_400_000}},
        "heldout": {"S": {"count": 250_000}, "M": {"count": 3_000_000}, "L": {"count": 16_000_000}},
    }
    test_sizes = tuple({"count": count} for count in (1, 2, 7, 127, 1021, 64, 4096, 100, 8191, 65_537, 255, 3000))
    bars = ("numpy_form", "torch_bincount", "torch_scatter")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return values whose bins are as full as ``distribution`` says; half are in one bin where they are timed."""
        count = sizes["count"]
        values = np.frombuffer(rng.bytes(count), dtype=np.uint8).astype(np.int32)
        return {"values": _skewed(values, distribution, rng)}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the counts, which are whole numbers in any precision."""
        return {"counts": np.bincount(inputs["values"], minlength=BINS).astype(np.int32)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw up to 20,000 values."""
        return {"count": int(rng.integers(1, 20_000))}


def _skewed(even: NDArray[np.int32], distribution: str, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return evenly spread values, or what the distribution makes of them."""
    one = np.int32(rng.integers(0, BINS))
    if distribution == "sorted":
        return np.sort(even)
    if distribution == "pareto":
        return (BINS * (even / BINS) ** _STEEP).astype(np.int32)
    if distribution == "offset":
        return np.full_like(even, one)
    if distribution == "sparse":
        return np.where(rng.random(len(even)) < _SHARE_OF_ONE, one, even).astype(np.int32)
    start = int(rng.integers(0, len(even) // 2 + 1))
    even[start : start + len(even) // 2] = one
    return even
