"""Problem ``numeric-log``: the natural logarithm near one in a few float32 operations."""

from collections.abc import Mapping
from math import sqrt

from speciate.evaluators import FormulaInterface

from ..numerics import Inputs, NumericFunction, Sampling, Stretch, bits_of, log, only


class NumericLog(NumericFunction):
    """log x for ``sqrt(1/2) <= x <= sqrt(2)``: what is left when a whole power of two is taken out of any x."""

    name = "numeric-log"
    title = "log x near one in float32: fewest ULP in 18 operations"
    interface = FormulaInterface(
        function="log", operations=18, about="It is the natural logarithm for `sqrt(1/2) <= x <= sqrt(2)` in float32."
    )
    inputs = Inputs((Stretch(bits_of(sqrt(0.5)), bits_of(sqrt(2.0))),), log)
    sampling = Sampling(every=5)


def problem(options: Mapping[str, str]) -> NumericFunction:
    """Return the problem; it has no options."""
    return only(NumericLog, options)


__all__ = ["problem"]
