"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

from .._rows import hidden_rows, row_sizes, rows_apart


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return CrossEntropy(**options)


class CrossEntropy(KernelProblem):
    """``loss = log(sum(exp(x))) - x[target]``, row by row."""

    name = "cross-entropy"
    title = "Cross-entropy of rows of logits"
    family = "softmax-kernels"
    interface = KernelInterface(
        function="cross_entropy",
        inputs=(
            Buffer(name="x", shape=("rows", "stride"), about="what lies beyond `columns` is not part of a row"),
            Buffer(name="target", shape=("rows",), dtype="int64", about="of each row, a column"),
        ),
        outputs=(Buffer(name="loss", shape=("rows",)),),
        sizes=("rows", "columns", "stride"),
        about="`loss = log(sum of exp(x) over the row) - x[target]`. There is no second array as large as `x`.",
    )
    sizes: ClassVar = {
        "train": {"S": row_sizes(32, 8192), "M": row_sizes(64, 32000)},
        "validation": {"S": row_sizes(40, 6144), "M": row_sizes(48, 50257)},
        "heldout": {"S": row_sizes(24, 10240), "M": row_sizes(96, 24576), "L": row_sizes(96, 128256)},
    }
    test_sizes = (
        row_sizes(1, 1),
        row_sizes(1, 127),
        row_sizes(7, 13, 4),
        row_sizes(3, 1021),
        row_sizes(31, 64),
        row_sizes(5, 100, 28),
        row_sizes(2, 4096),
        row_sizes(17, 257, 1),
        row_sizes(2, 8191),
    )
    bars = ("numpy_form", "torch_eager", "torch_cross_entropy", "torch_compiled")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return logits with NaN beyond ``columns``, and a target a row."""
        values = draw(rng, distribution, (sizes["rows"], sizes["columns"]))
        target = rng.integers(0, sizes["columns"], sizes["rows"])
        return {"x": rows_apart(values, sizes["stride"]), "target": target}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the losses; all is reckoned from the row's maximum, so that a common offset costs nothing."""
        x = inputs["x"][:, : sizes["columns"]].astype(dtype)
        x = x - x.max(axis=1, keepdims=True)
        chosen = np.take_along_axis(x, inputs["target"][:, None], axis=1)[:, 0]
        return {"loss": np.log(np.exp(x).sum(axis=1, dtype=dtype)) - chosen}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw a few rows of up to 3,000 columns, some of them apart."""
        return hidden_rows(rng)

    def terms(self, sizes: Sizes) -> int:
        """Return the columns, and what an exponential is made of."""
        return sizes["columns"] + 16

    def moved_bytes(self, sizes: Sizes) -> int:
        """Return the bytes of the logits that belong to rows, the targets and the losses."""
        return sizes["rows"] * (sizes["columns"] * 4 + 8 + 4)
