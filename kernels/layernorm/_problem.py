"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

from .._rows import TEST_ROWS, hidden_rows, row_sizes, rows_apart

EPSILON = 1e-5


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return Layernorm(**options)


class Layernorm(KernelProblem):
    """``out = (x - mean) / sqrt(variance + epsilon) * weight + bias``, row by row."""

    name = "layernorm"
    title = "LayerNorm"
    family = "norm-kernels"
    interface = KernelInterface(
        function="layernorm",
        inputs=(
            Buffer(name="x", shape=("rows", "stride"), about="what lies beyond `columns` is not part of a row"),
            Buffer(name="weight", shape=("columns",)),
            Buffer(name="bias", shape=("columns",)),
        ),
        outputs=(Buffer(name="out", shape=("rows", "columns")),),
        sizes=("rows", "columns", "stride"),
        scalars={"epsilon": EPSILON},
        about="`out = (x - mean) / sqrt(variance + epsilon) * weight + bias`, with the mean of the row and the mean "
        "square of its distances from it.",
    )
    sizes: ClassVar = {
        "train": {"S": row_sizes(128, 1536), "M": row_sizes(448, 4096)},
        "validation": {"S": row_sizes(160, 1024), "M": row_sizes(352, 5120)},
        "heldout": {"S": row_sizes(96, 2048), "M": row_sizes(512, 3072), "L": row_sizes(1024, 4096)},
    }
    test_sizes = TEST_ROWS
    bars = ("numpy_form", "torch_eager", "torch_layer_norm")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return rows with NaN beyond ``columns``, a weight and a bias."""
        shape = (sizes["rows"], sizes["columns"])
        x = rows_apart(draw(rng, distribution, shape), sizes["stride"])
        return {"x": x, "weight": draw(rng, "normal", shape[1:]), "bias": draw(rng, "normal", shape[1:])}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the normalised rows. The mean is taken twice: what the first one missed is taken off as well."""
        x = inputs["x"][:, : sizes["columns"]].astype(dtype)
        x = x - x.mean(axis=1, keepdims=True, dtype=dtype)
        x = x - x.mean(axis=1, keepdims=True, dtype=dtype)
        variance = np.mean(np.square(x), axis=1, keepdims=True, dtype=dtype)
        scaled = x / np.sqrt(variance + dtype(EPSILON)) * inputs["weight"].astype(dtype)
        return {"out": scaled + inputs["bias"].astype(dtype)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw a few rows of up to 3,000 columns, some of them apart."""
        return hidden_rows(rng)

    def terms(self, sizes: Sizes) -> int:
        """Return the columns: a row and the squares of its distances are summed."""
        return sizes["columns"]
