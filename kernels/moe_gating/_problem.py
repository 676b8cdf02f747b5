"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

from .._rows import rows_apart

EXPERTS = 128
CHOSEN = 8


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return MoeGating(**options)


def _sizes(tokens: int, gap: int = 0) -> Sizes:
    return {"tokens": tokens, "stride": EXPERTS + gap}


class MoeGating(KernelProblem):
    """The eight largest of each token's 128 logits, and their softmax over all 128."""

    name = "moe-gating"
    title = "Mixture-of-experts gate: softmax and top 8 of 128"
    family = "moe-kernels"
    interface = KernelInterface(
        function="moe_gating",
        inputs=(Buffer(name="logits", shape=("tokens", "stride"), about="a token's first 128 are its logits"),),
        outputs=(
            Buffer(name="weights", shape=("tokens", CHOSEN), about="softmax over all 128, of those that are chosen"),
            Buffer(name="chosen", shape=("tokens", CHOSEN), dtype="int32", about="their places, 0 to 127"),
        ),
        sizes=("tokens", "stride"),
        about=(
            "For each token choose the eight largest of its 128 logits, the largest first; of equal ones (0 and -0 are "
            "equal) the lower place comes first. `weights` are `exp(logit) / sum of exp over all 128`."
        ),
    )
    sizes: ClassVar = {
        "train": {"S": _sizes(2048), "M": _sizes(8192)},
        "validation": {"S": _sizes(2560), "M": _sizes(7168)},
        "heldout": {"S": _sizes(1792), "M": _sizes(9216), "L": _sizes(32_768)},
    }
    test_sizes = (
        _sizes(1),
        _sizes(7, 4),
        _sizes(2),
        _sizes(31, 1),
        _sizes(64),
        _sizes(13, 28),
        _sizes(127),
        _sizes(3, 131),
        _sizes(97),
        _sizes(17, 3),
        _sizes(101),
        _sizes(5),
    )
    bars = ("numpy_form", "torch_eager", "torch_topk_first")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return logits of the distribution, many of them equal where it is sparse, and NaN between the rows."""
        kind = "normal" if distribution == "uniform" else distribution
        return {"logits": rows_apart(draw(rng, kind, (sizes["tokens"], EXPERTS)), sizes["stride"])}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the chosen places by a stable sort of the logits, and the softmax there."""
        logits = inputs["logits"][:, :EXPERTS]
        chosen = np.argsort(-logits, axis=1, kind="stable")[:, :CHOSEN]
        powers = np.exp(logits.astype(dtype) - logits.max(axis=1, keepdims=True).astype(dtype))
        shares = powers / powers.sum(axis=1, keepdims=True)
        return {"weights": np.take_along_axis(shares, chosen, axis=1), "chosen": chosen.astype(np.int32)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw up to 100 tokens, half of the time some way apart."""
        return _sizes(int(rng.integers(1, 100)), int(rng.integers(1, 40)) if rng.random() < 0.5 else 0)

    def terms(self, sizes: Sizes) -> int:
        """Return the experts: their powers are summed."""
        return EXPERTS
