"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return Matmul(**options)


def _sizes(rows: int, columns: int, depth: int) -> Sizes:
    return {"rows": rows, "columns": columns, "depth": depth}


class Matmul(KernelProblem):
    """``out[i, j] = sum of a[i, p] * b[p, j] over p``."""

    name = "matmul"
    title = "Matrix product in float32"
    family = "matmul-kernels"
    interface = KernelInterface(
        function="matmul",
        inputs=(Buffer(name="a", shape=("rows", "depth")), Buffer(name="b", shape=("depth", "columns"))),
        outputs=(Buffer(name="out", shape=("rows", "columns")),),
        sizes=("rows", "columns", "depth"),
        about="`out[i, j] = sum of a[i, p] * b[p, j] over p < depth`.",
    )
    sizes: ClassVar = {
        "train": {"S": _sizes(128, 160, 192), "M": _sizes(384, 400, 416)},
        "validation": {"S": _sizes(160, 176, 144), "M": _sizes(320, 448, 432)},
        "heldout": {"S": _sizes(112, 208, 176), "M": _sizes(432, 368, 400), "L": _sizes(576, 608, 640)},
    }
    test_sizes = (
        _sizes(1, 1, 1),
        _sizes(1, 127, 64),
        _sizes(7, 13, 5),
        _sizes(3, 101, 29),
        _sizes(31, 64, 16),
        _sizes(5, 100, 28),
        _sizes(64, 64, 64),
        _sizes(17, 67, 129),
        _sizes(2, 33, 1021),
    )
    bars = ("numpy_matmul", "torch_mm")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return ``a`` of the distribution, and a plain ``b``: their products cancel."""
        return {
            "a": draw(rng, distribution, (sizes["rows"], sizes["depth"])),
            "b": draw(rng, "uniform", (sizes["depth"], sizes["columns"])),
        }

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the product."""
        return {"out": inputs["a"].astype(dtype) @ inputs["b"].astype(dtype)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw small matrices of any shape; not so few columns that a single one must be right by luck."""
        rows, columns, depth = (int(size) for size in rng.integers((1, 8, 1), (40, 100, 300)))
        return _sizes(rows, columns, depth)

    def terms(self, sizes: Sizes) -> int:
        """Return the depth, over which is summed."""
        return sizes["depth"]
