"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

from .._rows import rows_apart

BASE = 10_000.0
_FARTHEST = 32_768
"""Positions of a first token lie below it."""


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return Rope(**options)


def _sizes(tokens: int, heads: int, half: int, gap: int = 0) -> Sizes:
    width = heads * 2 * half
    return {"tokens": tokens, "heads": heads, "half": half, "width": width, "stride": width + gap}


class Rope(KernelProblem):
    """Each head's two halves, rotated against each other by the angles of the token's position."""

    name = "rope"
    title = "Rotary position embedding"
    family = "embedding-kernels"
    interface = KernelInterface(
        function="rope",
        inputs=(
            Buffer(name="x", shape=("tokens", "stride"), about="what lies beyond `width` is not part of a token"),
            Buffer(name="cosine", shape=("tokens", "half")),
            Buffer(name="sine", shape=("tokens", "half")),
        ),
        outputs=(Buffer(name="out", shape=("tokens", "width")),),
        sizes=("tokens", "heads", "half", "width", "stride"),
        about="A token has `heads` heads of `2 * half` elements, `width` in all. In each head, for `i < half`, with "
        "`a` its element `i` and `b` its element `half + i`: they become `a * cosine[token, i] - b * sine[token, i]` "
        "and `b * cosine[token, i] + a * sine[token, i]`.",
    )
    sizes: ClassVar = {
        "train": {"S": _sizes(64, 16, 64), "M": _sizes(256, 32, 64)},
        "validation": {"S": _sizes(80, 24, 32, 1536), "M": _sizes(192, 40, 64)},
        "heldout": {"S": _sizes(48, 20, 64), "M": _sizes(224, 32, 48, 1024), "L": _sizes(768, 32, 64)},
    }
    test_sizes = (
        _sizes(1, 1, 1),
        _sizes(1, 1, 127),
        _sizes(7, 3, 13, 4),
        _sizes(3, 5, 31),
        _sizes(31, 2, 16),
        _sizes(5, 4, 20, 96),
        _sizes(2, 32, 64),
        _sizes(17, 1, 67, 1),
        _sizes(1, 13, 96),
    )
    bars = ("numpy_form", "torch_eager", "torch_fused")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return tokens that follow one another from some position on, and their angles' cosines and sines."""
        position = np.arange(sizes["tokens"]) + int(rng.integers(0, _FARTHEST))
        angle = position[:, None] * BASE ** (-np.arange(sizes["half"]) / sizes["half"])
        return {
            "x": rows_apart(draw(rng, distribution, (sizes["tokens"], sizes["width"])), sizes["stride"]),
            "cosine": np.cos(angle).astype(np.float32),
            "sine": np.sin(angle).astype(np.float32),
        }

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the rotated heads."""
        shape = (sizes["tokens"], sizes["heads"], 2, sizes["half"])
        x = inputs["x"][:, : sizes["width"]].astype(dtype).reshape(shape)
        cosine, sine = (inputs[name].astype(dtype)[:, None, :] for name in ("cosine", "sine"))
        first, second = x[:, :, 0], x[:, :, 1]
        out = np.stack((first * cosine - second * sine, second * cosine + first * sine), axis=2)
        return {"out": out.reshape(sizes["tokens"], sizes["width"])}

    def moved_bytes(self, sizes: Sizes) -> int:
        """Return the bytes of the tokens, without what lies between them, of the tables and of the result."""
        return super().moved_bytes({**sizes, "stride": sizes["width"]})

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw a few tokens with small heads, half of the time some way apart."""
        gap = int(rng.integers(1, 40)) if rng.random() < 0.5 else 0
        return _sizes(int(rng.integers(1, 12)), int(rng.integers(1, 9)), int(rng.integers(1, 140)), gap)

    def terms(self, sizes: Sizes) -> int:
        """Return two: the products of which each output is the sum."""
        return 2
