"""The problem that the kernel hacks are tried on: softmax of each row, small and without a folder of its own."""

from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Limits, Sizes, draw


class RowSoftmax(KernelProblem):
    name = "row-softmax"
    title = "Softmax of rows"
    interface = KernelInterface(
        function="row_softmax",
        inputs=(Buffer(name="x", shape=("rows", "columns")),),
        outputs=(Buffer(name="y", shape=("rows", "columns")),),
        sizes=("rows", "columns"),
    )
    limits = Limits(
        wall_s=300.0, cpu_s=30.0, decision_wall_s=60.0, decision_cpu_s=2.0, start_wall_s=60.0, memory_bytes=1 << 30
    )
    sizes: ClassVar = {"train": {"S": {"rows": 64, "columns": 512}}}
    test_sizes = ({"rows": 1, "columns": 1}, {"rows": 7, "columns": 13}, {"rows": 3, "columns": 101})
    bars = ()

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        return {"x": draw(rng, distribution, (sizes["rows"], sizes["columns"]))}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        x = inputs["x"].astype(dtype)
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        return {"y": powers / powers.sum(axis=1, keepdims=True)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        return {"rows": int(rng.integers(1, 9)), "columns": int(rng.integers(1, 200))}

    def terms(self, sizes: Sizes) -> int:
        return sizes["columns"]
