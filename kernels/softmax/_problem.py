"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

from .._rows import TEST_ROWS, hidden_rows, row_sizes, rows_apart


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return Softmax(**options)


class Softmax(KernelProblem):
    """``out = exp(x) / sum(exp(x))``, row by row, with the row's maximum taken off first."""

    name = "softmax"
    title = "Softmax of rows"
    family = "softmax-kernels"
    interface = KernelInterface(
        function="softmax",
        inputs=(Buffer(name="x", shape=("rows", "stride"), about="what lies beyond `columns` is not part of a row"),),
        outputs=(Buffer(name="out", shape=("rows", "columns"), about="shares of the whole, which add up to one"),),
        sizes=("rows", "columns", "stride"),
        about="`out = exp(x - m) / sum of exp(x - m) over the row`, with `m` the largest element of the row.",
    )
    sizes: ClassVar = {
        "train": {"S": row_sizes(128, 1024), "M": row_sizes(384, 4096)},
        "validation": {"S": row_sizes(160, 768), "M": row_sizes(320, 5120)},
        "heldout": {"S": row_sizes(96, 1280), "M": row_sizes(512, 3072), "L": row_sizes(1024, 4096)},
    }
    test_sizes = TEST_ROWS
    bars = ("numpy_form", "torch_eager", "torch_softmax")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return a row's values up to ``columns``, and NaN beyond."""
        values = draw(rng, distribution, (sizes["rows"], sizes["columns"]))
        return {"x": rows_apart(values, sizes["stride"])}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the exponentials over their sum."""
        x = inputs["x"][:, : sizes["columns"]].astype(dtype)
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        return {"out": powers / powers.sum(axis=1, keepdims=True, dtype=dtype)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw a few rows of up to 3,000 columns, some of them apart."""
        return hidden_rows(rng)

    def terms(self, sizes: Sizes) -> int:
        """Return the columns, and what an exponential is made of."""
        return sizes["columns"] + 16
