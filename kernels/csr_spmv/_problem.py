"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

_SHARE_OF_FILLED = 0.05
_SHARE_OF_ONE = 0.9


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return CsrSpmv(**options)


def _sizes(rows: int, columns: int, nonzeros: int) -> Sizes:
    return {"rows": rows, "columns": columns, "nonzeros": nonzeros, "bounds": rows + 1}


class CsrSpmv(KernelProblem):
    """``y[r]`` is the sum of ``value[i] * x[column[i]]`` over the nonzeros ``i`` of row ``r``."""

    name = "csr-spmv"
    title = "Sparse matrix times vector"
    family = "sparse-kernels"
    interface = KernelInterface(
        function="csr_spmv",
        inputs=(
            Buffer(
                name="start",
                shape=("bounds",),
                dtype="int32",
                about="row r holds the nonzeros from start[r] up to start[r + 1], which may be none",
            ),
            Buffer(name="column", shape=("nonzeros",), dtype="int32", about="in any order within a row"),
            Buffer(name="value", shape=("nonzeros",)),
            Buffer(name="x", shape=("columns",)),
        ),
        outputs=(Buffer(name="y", shape=("rows",)),),
        sizes=("rows", "columns", "nonzeros", "bounds"),
        about="`y = A x` of a sparse matrix A in compressed rows: `bounds` is `rows + 1`.",
    )
    sizes: ClassVar = {
        "train": {"S": _sizes(12_000, 12_000, 240_000), "M": _sizes(60_000, 50_000, 1_200_000)},
        "validation": {"S": _sizes(15_000, 10_000, 270_000), "M": _sizes(50_000, 70_000, 1_100_000)},
        "heldout": {
            "S": _sizes(10_000, 14_000, 220_000),
            "M": _sizes(70_000, 60_000, 1_300_000),
            "L": _sizes(200_000, 200_000, 4_000_000),
        },
    }
    test_sizes = (
        _sizes(1, 1, 1),
        _sizes(1, 13, 127),
        _sizes(7, 5, 40),
        _sizes(31, 1021, 257),
        _sizes(64, 64, 1024),
        _sizes(127, 100, 3001),
        _sizes(1021, 7, 100),
        _sizes(3, 8191, 4097),
        _sizes(257, 300, 2048),
        _sizes(500, 129, 8191),
        _sizes(2, 64, 1000),
        _sizes(100, 50, 999),
    )
    bars = ("numpy_form", "torch_eager", "torch_sparse")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return a matrix whose rows are as long as ``distribution`` says, and a vector."""
        rows, columns, nonzeros = sizes["rows"], sizes["columns"], sizes["nonzeros"]
        start = np.zeros(rows + 1, dtype=np.int32)
        np.cumsum(rng.multinomial(nonzeros, _weights(rows, distribution, rng)), out=start[1:])
        return {
            "start": start,
            "column": rng.integers(0, columns, nonzeros, dtype=np.int32),
            "value": draw(rng, distribution, (nonzeros,)),
            "x": draw(rng, distribution, (columns,)),
        }

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the sum of each row, one nonzero after the other, as plain loops add them."""
        products = inputs["value"].astype(dtype) * inputs["x"].astype(dtype)[inputs["column"]]
        y = np.zeros(sizes["rows"], dtype=dtype)
        np.add.at(y, np.repeat(np.arange(sizes["rows"]), np.diff(inputs["start"])), products)
        return {"y": y}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw up to 400 rows of 20 nonzeros or so."""
        rows = int(rng.integers(1, 400))
        return _sizes(rows, int(rng.integers(1, 3000)), int(rng.integers(1, 40 * rows)))

    def terms(self, sizes: Sizes) -> int:
        """Return the nonzeros: one row may hold nearly all of them."""
        return sizes["nonzeros"]


def _weights(rows: int, distribution: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return each row's share of the nonzeros: half of the rows even and half by a power law where they are timed."""
    even = np.ones(rows)
    power: NDArray[np.float64] = 1.0 / rng.permutation(np.arange(1.0, rows + 1.0))
    found = even
    if distribution in ("normal", "uniform"):
        found[: rows // 2] = power[: rows // 2] * (rows / power.sum())
    elif distribution == "pareto":
        found = power
    elif distribution == "sorted":
        found = np.sort(power)
    elif distribution == "sparse":
        found = even * 1e-9
        found[rng.random(rows) < _SHARE_OF_FILLED] = 1.0
    elif distribution == "offset":
        found = even / rows
        found[int(rng.integers(0, rows))] += _SHARE_OF_ONE * rows
    shares: NDArray[np.float64] = found / found.sum()
    return shares
