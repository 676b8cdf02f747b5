"""Problem ``numeric-exp``: e^x near zero in a few float32 operations."""

from collections.abc import Mapping
from math import log as ln

from speciate.evaluators import FormulaInterface

from ..numerics import Inputs, NumericFunction, Sampling, Stretch, bits_of, exp, only

_HALF = bits_of(ln(2.0) / 2.0)
_CORE = bits_of(2.0**-4)
_LEAST = bits_of(2.0**-14)
"""Nearer to zero 1 + x is right to 0.54 ULP."""


class NumericExp(NumericFunction):
    """e^x for ``2^-14 <= |x| <= ln 2 / 2``: what is left when a whole power of two is taken out of any e^x."""

    name = "numeric-exp"
    title = "e^x near zero in float32: fewest ULP in 17 operations"
    interface = FormulaInterface(
        function="exp", operations=17, about="It is e^x for `2^-14 <= |x| <= ln(2)/2` in float32."
    )
    inputs = Inputs(
        tuple(
            Stretch(first, last, negative, tail)
            for negative in (True, False)
            for first, last, tail in ((_LEAST, _CORE - 1, True), (_CORE, _HALF, False))
        ),
        exp,
    )
    sampling = Sampling(every=8)


def problem(options: Mapping[str, str]) -> NumericFunction:
    """Return the problem; it has no options."""
    return only(NumericExp, options)


__all__ = ["problem"]
