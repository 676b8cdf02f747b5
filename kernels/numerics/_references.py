"""exp, log and tanh in float64, each to within a relative ``PRECISION`` on the interval that it says.

Only sums, products and quotients, so that the bits are the same on every machine: numpy's own functions differ in the
last place from one processor to the next. A float32 ULP is 2^-24 to 2^-23 of a number, so errors in ULP that are
measured with these are exact to 2^-26.
"""

from math import factorial

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

PRECISION = 2.0**-50
_LEFT_OUT = 2.0**-58
"""Terms below this are left out: of small numbers, most are."""
_TANH_TERMS = 27
_LOG_TERMS = 12


def exp(x: Float64) -> Float64:
    """Return e^x for ``|x| <= 0.35``: its Taylor polynomial."""
    largest, terms = float(np.max(np.abs(x))), 2
    while largest**terms / factorial(terms) > _LEFT_OUT:
        terms += 1
    return 1.0 + x * _horner([1.0 / factorial(n) for n in range(1, terms)], x)


def log(x: Float64) -> Float64:
    """Return the natural logarithm for float32 ``x`` in ``[0.7, 1.42]``: twice the series of artanh((x-1)/(x+1))."""
    s = (x - 1.0) / (x + 1.0)
    z = s * s
    return 2.0 * s * (1.0 + z * _horner([1.0 / (2 * n + 1) for n in range(1, _LOG_TERMS)], z))


def tanh(x: Float64) -> Float64:
    """Return the hyperbolic tangent for ``0 <= x <= 1``: m / (m + 2), m the Taylor polynomial of e^2x - 1."""
    u = 2.0 * x
    m = u * _horner([1.0 / factorial(n) for n in range(1, _TANH_TERMS)], u)
    return m / (m + 2.0)


def _horner(coefficients: list[float], x: Float64) -> Float64:
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= x
        total += coefficient
    return total
