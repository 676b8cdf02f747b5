"""A bias and a GELU over rows. A *kernel*: one function on buffers, compiled, checked and timed by the judge.

The judge keeps all memory and all clocks: a design is handed pointers to inputs that it has never seen, at sizes that
it does not know beforehand, and is told nothing else. Replace the function by yours.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from speciate import Buffer, KernelArrays, KernelInterface, KernelProblem, ProblemError, Sizes, draw


def problem(options: Mapping[str, str]) -> "BiasGelu":
    """Return the problem. Options come from ``--option KEY=VALUE``; this one has the languages that have a seed."""
    if unknown := sorted({*options} - {"language"}):
        raise ProblemError(f"unknown option {unknown[0]!r}; this problem has language")
    return BiasGelu(**options)


class BiasGelu(KernelProblem):
    """``out = gelu(x + bias)``, with the bias of the column."""

    name = "NEW-PROBLEM"
    title = "A bias and a GELU"
    version = "1"
    interface = KernelInterface(
        function="bias_gelu",
        inputs=(
            Buffer(name="x", shape=("rows", "columns")),
            Buffer(name="bias", shape=("columns",)),
        ),
        outputs=(Buffer(name="out", shape=("rows", "columns")),),
        sizes=("rows", "columns"),
        about="`out = 0.5 v (1 + tanh(0.7978845608 (v + 0.044715 v^3)))` with `v = x + bias` of the column.",
    )
    # What is timed. The search sees `train`; `validation` chooses the champion; `heldout` is opened for the report
    # only, and has a size that no search met.
    sizes: ClassVar[Mapping[str, Mapping[str, Sizes]]] = {
        "train": {"S": {"rows": 48, "columns": 1024}, "M": {"rows": 160, "columns": 1536}},
        "validation": {"S": {"rows": 64, "columns": 896}, "M": {"rows": 192, "columns": 1280}},
        "heldout": {
            "S": {"rows": 80, "columns": 640},
            "M": {"rows": 144, "columns": 1792},
            "L": {"rows": 256, "columns": 3072},
        },
    }
    # What is checked beside them: one element, primes, and what is no multiple of a vector.
    test_sizes = (
        {"rows": 1, "columns": 1},
        {"rows": 7, "columns": 13},
        {"rows": 3, "columns": 127},
        {"rows": 2, "columns": 1000},
    )
    bars = ("numpy_form", "torch_form")

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> KernelArrays:
        """Return activations and a bias; the judge asks for mild values, heavy tails, large offsets and others."""
        shape = (sizes["rows"], sizes["columns"])
        return {"x": draw(rng, distribution, shape), "bias": draw(rng, "normal", shape[1:])}

    def reference(self, inputs: KernelArrays, sizes: Sizes, dtype: type[np.floating]) -> KernelArrays:
        """Return what is right, reckoned in ``dtype``: float64 is the truth, float32 tells what rounding may cost."""
        v = inputs["x"].astype(dtype) + inputs["bias"].astype(dtype)
        step = np.tanh(dtype(0.7978845608) * (v + dtype(0.044715) * v * v * v))
        return {"out": dtype(0.5) * v * (dtype(1.0) + step)}

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw sizes that no design can know."""
        return {"rows": int(rng.integers(1, 20)), "columns": int(rng.integers(1, 700))}

    def terms(self, sizes: Sizes) -> int:
        """Return how many terms the longest sum has: here those of an exponential. More may err more."""
        return 16
