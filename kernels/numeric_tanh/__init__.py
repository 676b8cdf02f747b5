"""Problem ``numeric-tanh``: the hyperbolic tangent up to one in a few float32 operations."""

from collections.abc import Mapping

from speciate.evaluators import FormulaInterface

from ..numerics import Inputs, NumericFunction, Sampling, Stretch, bits_of, only, tanh

_LEAST = bits_of(2.0**-12)
"""Nearer to zero the right answer is x."""
_CORE = bits_of(2.0**-3)


class NumericTanh(NumericFunction):
    """tanh x for ``2^-12 <= x <= 1``; it is odd, and beyond one it is better had from e^2x."""

    name = "numeric-tanh"
    title = "tanh x up to one in float32: fewest ULP in 16 operations"
    interface = FormulaInterface(
        function="tanh", operations=16, about="It is the hyperbolic tangent for `2^-12 <= x <= 1` in float32."
    )
    inputs = Inputs((Stretch(_LEAST, _CORE - 1, tail=True), Stretch(_CORE, bits_of(1.0))), tanh)
    sampling = Sampling(every=8)


def problem(options: Mapping[str, str]) -> NumericFunction:
    """Return the problem; it has no options."""
    return only(NumericTanh, options)


__all__ = ["problem"]
