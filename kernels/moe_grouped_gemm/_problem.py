"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

EXPERTS = 64


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return MoeGroupedGemm(**options)


def _sizes(tokens: int, width: int, outputs: int) -> Sizes:
    return {"tokens": tokens, "width": width, "outputs": outputs}


class MoeGroupedGemm(KernelProblem):
    """``out[t] = x[t] @ weights[expert[t]]``."""

    name = "moe-grouped-gemm"
    title = "Mixture of experts: tokens times the matrices of their experts"
    family = "moe-kernels"
    interface = KernelInterface(
        function="moe_grouped_gemm",
        inputs=(
            Buffer(name="x", shape=("tokens", "width")),
            Buffer(name="expert", shape=("tokens",), dtype="int32", about="of each token, 0 to 63, in no order"),
            Buffer(name="weights", shape=(EXPERTS, "width", "outputs")),
        ),
        outputs=(Buffer(name="out", shape=("tokens", "outputs"), about="in the order of the tokens"),),
        sizes=("tokens", "width", "outputs"),
        about=(
            "`out[t, n]` = the sum over k of `x[t, k] * weights[expert[t], k, n]`. "
            "An expert may have no token, and one may have most of them."
        ),
    )
    sizes: ClassVar = {
        "train": {"S": _sizes(192, 64, 128), "M": _sizes(256, 96, 192)},
        "validation": {"S": _sizes(160, 96, 112), "M": _sizes(288, 96, 160)},
        "heldout": {"S": _sizes(224, 80, 96), "M": _sizes(256, 112, 176), "L": _sizes(512, 160, 256)},
    }
    test_sizes = (
        _sizes(1, 1, 1),
        _sizes(2, 13, 7),
        _sizes(1, 127, 3),
        _sizes(64, 16, 16),
        _sizes(127, 8, 5),
        _sizes(31, 33, 17),
        _sizes(3, 64, 32),
        _sizes(101, 5, 9),
        _sizes(16, 31, 64),
        _sizes(1, 7, 127),
        _sizes(200, 4, 33),
        _sizes(37, 17, 48),
    )
    bars = ("numpy_form", "torch_eager", "torch_sorted")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return tokens whose experts are as popular as ``distribution`` says, by a power law where they are timed."""
        shape = EXPERTS, sizes["width"], sizes["outputs"]
        return {
            "x": draw(rng, distribution, (sizes["tokens"], sizes["width"])),
            "expert": _chosen(sizes["tokens"], distribution, rng),
            "weights": draw(rng, "uniform" if distribution == "uniform" else "normal", shape),
        }

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the product of each expert that has tokens."""
        x, expert = inputs["x"].astype(dtype), inputs["expert"]
        out = np.empty((sizes["tokens"], sizes["outputs"]), dtype=dtype)
        for each in np.unique(expert):
            out[expert == each] = x[expert == each] @ inputs["weights"][each].astype(dtype)
        return {"out": out}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw up to 60 tokens, 40 columns and 40 outputs."""
        return _sizes(int(rng.integers(1, 60)), int(rng.integers(1, 40)), int(rng.integers(1, 40)))

    def terms(self, sizes: Sizes) -> int:
        """Return the width: so many products are added."""
        return sizes["width"]


def _chosen(tokens: int, distribution: str, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return each token's expert."""
    weights = rng.permutation(1.0 / np.arange(1.0, EXPERTS + 1.0))
    if distribution == "offset":
        return np.full(tokens, rng.integers(0, EXPERTS), dtype=np.int32)
    if distribution == "sparse":
        return rng.choice(rng.choice(EXPERTS, 3), tokens).astype(np.int32)
    if distribution == "normal":
        return rng.integers(0, EXPERTS, tokens, dtype=np.int32)
    chosen = rng.choice(EXPERTS, tokens, p=weights / weights.sum()).astype(np.int32)
    return np.sort(chosen) if distribution == "sorted" else chosen
