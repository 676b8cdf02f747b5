"""The problem: sizes, inputs and the reference."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from speciate.evaluators import Buffer, KernelArrays, KernelInterface, KernelProblem, Problem, Sizes, draw

WIDTH = 64
SCALE = 0.125
_COMMON = 32.0


def problem(options: Mapping[str, str]) -> Problem[Any]:
    """Return the problem; option ``language`` is ``cpp``, ``numba``, ``triton`` or ``cuda``."""
    return CausalAttention(**options)


def _sizes(heads: int, length: int) -> Sizes:
    return {"heads": heads, "length": length}


class CausalAttention(KernelProblem):
    """``out = softmax(q k' / 8) v`` of each head, where a position sees itself and those before it."""

    name = "causal-attention"
    title = "Causal attention"
    family = "attention-kernels"
    interface = KernelInterface(
        function="causal_attention",
        inputs=tuple(Buffer(name=name, shape=("heads", "length", WIDTH)) for name in ("q", "k", "v")),
        outputs=(Buffer(name="out", shape=("heads", "length", WIDTH)),),
        sizes=("heads", "length"),
        about=(
            "For each head and position i: with `s[j] = 0.125 * (sum over d of q[i, d] * k[j, d])` for j from 0 to i, "
            "`out[i, d] = (sum of exp(s[j]) * v[j, d]) / (sum of exp(s[j]))`. Scores may be beyond what exp can bear."
        ),
    )
    sizes: ClassVar = {
        "train": {"S": _sizes(4, 128), "M": _sizes(8, 256)},
        "validation": {"S": _sizes(6, 112), "M": _sizes(6, 320)},
        "heldout": {"S": _sizes(4, 160), "M": _sizes(8, 384), "L": _sizes(8, 1024)},
    }
    test_sizes = (
        _sizes(1, 1),
        _sizes(2, 17),
        _sizes(1, 64),
        _sizes(3, 7),
        _sizes(1, 97),
        _sizes(2, 33),
        _sizes(1, 2),
        _sizes(1, 127),
        _sizes(5, 13),
        _sizes(2, 31),
        _sizes(1, 100),
        _sizes(2, 48),
    )
    bars = ("numpy_form", "torch_eager", "torch_attention")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return values of the distribution, and queries and keys whose scores float32 can tell apart.

        Where values are sorted, scores differ so much that few positions count; where values lie far from zero,
        scores do too, all by as much.
        """
        shape = (sizes["heads"], sizes["length"], WIDTH)
        plain = "sparse" if distribution == "sparse" else "uniform" if distribution == "uniform" else "normal"
        q, k = draw(rng, plain, shape), draw(rng, plain, shape)
        if distribution == "sorted":
            q *= np.float32(4.0)
        if distribution == "offset":
            q[..., 0] = k[..., 0] = np.float32(_COMMON)
        return {"q": q, "k": k, "v": draw(rng, distribution, shape)}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> KernelArrays:
        """Return the attention of each head, with all scores of a head at once."""
        q, k, v = (inputs[name].astype(dtype) for name in ("q", "k", "v"))
        out = np.empty_like(v)
        later = np.triu(np.ones((sizes["length"], sizes["length"]), dtype=bool), 1)
        for head in range(sizes["heads"]):
            scores = (q[head] @ k[head].T) * dtype(SCALE)
            scores[later] = -np.inf
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            out[head] = (powers / powers.sum(axis=1, keepdims=True)) @ v[head]
        return {"out": out}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw up to three heads of up to 90 positions."""
        return _sizes(int(rng.integers(1, 4)), int(rng.integers(1, 90)))

    def terms(self, sizes: Sizes) -> int:
        """Return the positions, whose values are added, times the width, whose products make a score."""
        return sizes["length"] * WIDTH
