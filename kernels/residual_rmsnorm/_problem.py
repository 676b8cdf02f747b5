"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

from .._rows import TEST_ROWS, hidden_rows, row_sizes, rows_apart

EPSILON = 1e-5


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return ResidualRmsnorm(**options)


class ResidualRmsnorm(KernelProblem):
    """``total = x + residual``; ``out = total / sqrt(mean(total^2) + epsilon) * weight``, row by row."""

    name = "residual-rmsnorm"
    title = "Residual add and RMSNorm"
    family = "norm-kernels"
    interface = KernelInterface(
        function="residual_rmsnorm",
        inputs=(
            Buffer(name="x", shape=("rows", "stride"), about="what lies beyond `columns` in a row is not part of it"),
            Buffer(name="residual", shape=("rows", "stride"), about="likewise"),
            Buffer(name="weight", shape=("columns",)),
        ),
        outputs=(
            Buffer(name="out", shape=("rows", "columns"), about="the sum, normalised and times the weight"),
            Buffer(name="total", shape=("rows", "columns"), about="x + residual, which the next layer adds to"),
        ),
        sizes=("rows", "columns", "stride"),
        scalars={"epsilon": EPSILON},
        about="`total = x + residual`, and `out = total / sqrt(mean of total^2 over the row + epsilon) * weight`.",
    )
    sizes: ClassVar = {
        "train": {"S": row_sizes(96, 2048), "M": row_sizes(384, 4096)},
        "validation": {"S": row_sizes(128, 1536), "M": row_sizes(320, 5120)},
        "heldout": {"S": row_sizes(80, 2560), "M": row_sizes(448, 3584), "L": row_sizes(1024, 4096)},
    }
    test_sizes = TEST_ROWS
    bars = ("numpy_form", "torch_eager", "torch_rms_norm", "torch_compiled")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return a row's values up to ``columns``, and NaN beyond: whoever reads that shows it."""
        shape = (sizes["rows"], sizes["columns"])
        found = {"weight": draw(rng, "normal", shape[1:])}
        for name in ("x", "residual"):
            found[name] = rows_apart(draw(rng, distribution, shape), sizes["stride"])
        return found

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the sum and its normalised form."""
        columns = sizes["columns"]
        total = inputs["x"][:, :columns].astype(dtype) + inputs["residual"][:, :columns].astype(dtype)
        mean = np.mean(np.square(total), axis=1, keepdims=True)
        out = total / np.sqrt(mean + dtype(EPSILON)) * inputs["weight"].astype(dtype)
        return {"out": out, "total": total}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw a few rows of up to 3,000 columns, some of them apart."""
        return hidden_rows(rng)

    def terms(self, sizes: Sizes) -> int:
        """Return the columns: the squares of a row are summed."""
        return sizes["columns"]
