"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

GROUP = 128
ZERO = 8
_ROWS_AT_ONCE = 64


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return Int4Gemv(**options)


class Int4Gemv(KernelProblem):
    """``y[r]`` is the sum over groups of ``scale[r, g]`` times the sum of ``(weight - 8) * x`` in the group."""

    name = "int4-gemv"
    title = "Matrix of four-bit weights times vector"
    family = "quantised-kernels"
    interface = KernelInterface(
        function="int4_gemv",
        inputs=(
            Buffer(
                name="packed",
                shape=("rows", "groups", GROUP // 2),
                dtype="uint8",
                about="byte j of a group holds weight 2j in its lower four bits, and weight 2j + 1 in its upper four",
            ),
            Buffer(name="scale", shape=("rows", "groups")),
            Buffer(name="x", shape=("groups", GROUP)),
        ),
        outputs=(Buffer(name="y", shape=("rows",)),),
        sizes=("rows", "groups"),
        about=(
            "`y[r]` = the sum over g and j of `scale[r, g] * (w[r, g, j] - 8) * x[g, j]`, "
            "where `w` are the four-bit weights, 0 to 15, 128 in a group."
        ),
    )
    sizes: ClassVar = {
        "train": {"S": {"rows": 1024, "groups": 8}, "M": {"rows": 2048, "groups": 16}},
        "validation": {"S": {"rows": 768, "groups": 10}, "M": {"rows": 2560, "groups": 14}},
        "heldout": {
            "S": {"rows": 896, "groups": 12},
            "M": {"rows": 1536, "groups": 24},
            "L": {"rows": 4096, "groups": 32},
        },
    }
    test_sizes = tuple(
        {"rows": rows, "groups": groups}
        for rows, groups in ((1, 1), (1, 7), (7, 1), (31, 2), (13, 5), (2, 3), (64, 1), (3, 11), (127, 1), (17, 3))
    )
    bars = ("numpy_form", "torch_eager", "torch_dequantised")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return random weights, scales of about a tenth, and a vector of the distribution."""
        rows, groups = sizes["rows"], sizes["groups"]
        count = rows * groups * GROUP // 2
        return {
            "packed": np.frombuffer(rng.bytes(count), dtype=np.uint8).reshape(rows, groups, GROUP // 2),
            "scale": rng.random((rows, groups), dtype=np.float32) * np.float32(0.1) + np.float32(0.05),
            "x": draw(rng, distribution, (groups, GROUP)),
        }

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the sums of scaled products, one after the other, as plain loops add them."""
        x, y = inputs["x"].astype(dtype), np.empty(sizes["rows"], dtype=dtype)
        for start in range(0, sizes["rows"], _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            packed = inputs["packed"][part]
            weights = np.stack((packed & 15, packed >> 4), axis=-1).reshape(*packed.shape[:2], GROUP)
            products = (weights.astype(dtype) - dtype(ZERO)) * inputs["scale"][part, :, None].astype(dtype) * x
            y[part] = np.cumsum(products.reshape(len(packed), -1), axis=1)[:, -1]
        return {"y": y}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw up to 40 rows of up to 12 groups."""
        return {"rows": int(rng.integers(1, 40)), "groups": int(rng.integers(1, 12))}

    def terms(self, sizes: Sizes) -> int:
        """Return the columns: all products of a row are added."""
        return sizes["groups"] * GROUP
