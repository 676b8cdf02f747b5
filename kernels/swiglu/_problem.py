"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return Swiglu(**options)


def _sizes(rows: int, columns: int) -> Sizes:
    return {"rows": rows, "columns": columns}


class Swiglu(KernelProblem):
    """``out = gate / (1 + exp(-gate)) * up``, element by element."""

    name = "swiglu"
    title = "SwiGLU"
    family = "activation-kernels"
    interface = KernelInterface(
        function="swiglu",
        inputs=(Buffer(name="x", shape=("rows", 2, "columns"), about="of each row the gate, and behind it the value"),),
        outputs=(Buffer(name="out", shape=("rows", "columns")),),
        sizes=("rows", "columns"),
        about="With `g = x[row, 0, i]` and `u = x[row, 1, i]`: `out[row, i] = g / (1 + exp(-g)) * u`.",
    )
    sizes: ClassVar = {
        "train": {"S": _sizes(48, 2816), "M": _sizes(128, 11008)},
        "validation": {"S": _sizes(64, 2048), "M": _sizes(96, 14336)},
        "heldout": {"S": _sizes(56, 2560), "M": _sizes(160, 8960), "L": _sizes(384, 11008)},
    }
    test_sizes = (
        _sizes(1, 1),
        _sizes(1, 127),
        _sizes(7, 13),
        _sizes(3, 1021),
        _sizes(31, 64),
        _sizes(5, 100),
        _sizes(2, 4096),
        _sizes(17, 257),
        _sizes(1, 8191),
    )
    bars = ("numpy_form", "torch_eager", "torch_silu", "torch_compiled")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return gates and values. Some gates are so far from zero that the exponential overflows, or adds nothing."""
        return {"x": draw(rng, distribution, (sizes["rows"], 2, sizes["columns"]))}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the gated values; an exponential that overflows leaves a gate of zero."""
        gate, value = inputs["x"][:, 0].astype(dtype), inputs["x"][:, 1].astype(dtype)
        with np.errstate(over="ignore", under="ignore"):
            return {"out": gate / (dtype(1) + np.exp(-gate)) * value}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw a few rows of up to 3,000 columns."""
        return _sizes(int(rng.integers(1, 24)), int(rng.integers(1, 3000)))

    def terms(self, sizes: Sizes) -> int:
        """Return what an exponential is made of: nothing else is summed."""
        return 16
