"""A small kernel problem: each row over the square root of its mean square, and how many of it are positive."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import (
    Buffer,
    KernelArrays,
    KernelInterface,
    KernelProblem,
    Limits,
    Problem,
    ProblemRef,
    Sizes,
    draw,
)


def problem(options: Mapping[str, str]) -> Problem[Any]:
    return RowScale(**options)


def reference(language: str = "cpp") -> ProblemRef:
    return ProblemRef(name=str(Path(__file__).parent), options={"language": language})


class RowScale(KernelProblem):
    name = "row-scale"
    title = "Rows over their root mean square"
    interface = KernelInterface(
        function="row_scale",
        inputs=(Buffer(name="x", shape=("rows", "columns")),),
        outputs=(
            Buffer(name="y", shape=("rows", "columns")),
            Buffer(name="positive", shape=("rows",), dtype="int32"),
        ),
        sizes=("rows", "columns"),
        scalars={"epsilon": 1e-5},
    )
    limits = Limits(
        wall_s=60.0, cpu_s=30.0, decision_wall_s=20.0, decision_cpu_s=2.0, start_wall_s=60.0, memory_bytes=1 << 30
    )
    sizes: ClassVar = {
        "train": {"S": {"rows": 64, "columns": 512}},
        "validation": {"S": {"rows": 48, "columns": 640}},
        "heldout": {"S": {"rows": 80, "columns": 448}},
    }
    test_sizes = ({"rows": 1, "columns": 1}, {"rows": 7, "columns": 13}, {"rows": 3, "columns": 101})
    bars = ("numpy_form", "absent_form", "wrong_form")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        return {"x": draw(rng, distribution, (sizes["rows"], sizes["columns"]))}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        x = inputs["x"].astype(dtype)
        y = x / np.sqrt(np.mean(np.square(x), axis=1, keepdims=True) + dtype(1e-5))
        return {"y": y, "positive": (x > 0).sum(axis=1).astype(np.int32)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        return {"rows": int(rng.integers(1, 9)), "columns": int(rng.integers(1, 200))}

    def terms(self, sizes: Sizes) -> int:
        return sizes["columns"]
