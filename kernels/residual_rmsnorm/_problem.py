"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

EPSILON = 1e-5


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp`` or ``numba``."""
    return ResidualRmsnorm(**options)


def _sizes(rows: int, columns: int, gap: int = 0) -> Sizes:
    return {"rows": rows, "columns": columns, "stride": columns + gap}


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
        "train": {"S": _sizes(96, 2048), "M": _sizes(384, 4096)},
        "validation": {"S": _sizes(128, 1536), "M": _sizes(320, 5120)},
        "heldout": {"S": _sizes(80, 2560), "M": _sizes(448, 3584), "L": _sizes(1024, 4096)},
    }
    test_sizes = (
        _sizes(1, 1),
        _sizes(1, 127),
        _sizes(7, 13, 4),
        _sizes(3, 1021),
        _sizes(31, 64),
        _sizes(5, 100, 28),
        _sizes(2, 4096),
        _sizes(17, 257, 1),
        _sizes(1, 8191),
    )
    bars = ("numpy_form", "torch_eager", "torch_rms_norm", "torch_compiled")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return a row's values up to ``columns``, and NaN beyond: whoever reads that shows it."""
        rows, columns, stride = sizes["rows"], sizes["columns"], sizes["stride"]
        found = {"weight": draw(rng, "normal", (columns,))}
        for name in ("x", "residual"):
            values = draw(rng, distribution, (rows, columns))
            if stride > columns:
                values = np.pad(values, ((0, 0), (0, stride - columns)), constant_values=np.nan)
            found[name] = values
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
        gap = int(rng.integers(1, 40)) if rng.random() < 0.5 else 0
        return _sizes(int(rng.integers(1, 24)), int(rng.integers(1, 3000)), gap)

    def terms(self, sizes: Sizes) -> int:
        """Return the columns: the squares of a row are summed."""
        return sizes["columns"]
