"""What the minimax baselines of the numerics problems fit, and their constants, fitted here anew."""

from collections.abc import Mapping
from fractions import Fraction
from math import factorial, log, sqrt
from typing import NamedTuple

import numpy as np

from support.remez import Float64, chebyshev_grid, minimax, rounded


class Fit(NamedTuple):
    """A function to be fitted with weights that make its errors relative ones of exp, log or tanh."""

    points: Float64
    target: Float64
    weight: Float64

    def polynomial(self, count: int) -> Float64:
        """Constants of a polynomial of ``count`` terms, lowest power first, each rounded with the rest fitted anew."""
        basis = np.stack([self.points**power for power in range(count)], axis=1)
        return rounded(basis, self.target, self.weight, range(count))

    def rational(self, top: int, bottom: int) -> Float64:
        """Constants of a quotient whose highest divisor term is 1: those of the dividend, then of the divisor.

        The weighted linear fit is repeated with the divisor of the last (Loeb 1957); then all are rounded.
        """
        divisor, constants = np.ones_like(self.points), np.zeros(0)
        for _ in range(30):
            basis = [self.points**power for power in range(top)]
            basis += [-self.target * self.points**power for power in range(1, bottom)]
            constants = minimax(np.stack(basis, axis=1), self.target, self.weight / divisor)
            divisor = 1.0 + sum(constants[top + power - 1] * self.points**power for power in range(1, bottom))
        scaled = np.concatenate([constants[:top], [1.0], constants[top:-1]]) / constants[-1]
        return scaled.astype(np.float32).astype(np.float64)


def series(terms: list[Fraction], points: Float64) -> Float64:
    """The sum of a power series."""
    return np.sum([float(term) * points**power for power, term in enumerate(terms)], axis=0)


def reciprocal(terms: list[Fraction]) -> list[Fraction]:
    """The power series of one divided by a power series."""
    found = [1 / terms[0]]
    for power in range(1, len(terms)):
        found.append(-sum(terms[k] * found[power - k] for k in range(1, power + 1)) / terms[0])
    return found


def exp_whole() -> Fit:
    """e^x."""
    x = chebyshev_grid(-log(2.0) / 2.0, log(2.0) / 2.0)
    return Fit(x, np.exp(x), np.exp(-x))


def exp_rest() -> Fit:
    """(e^x - 1 - x) / x^2."""
    x = chebyshev_grid(-log(2.0) / 2.0, log(2.0) / 2.0)
    return Fit(x, series([Fraction(1, factorial(n + 2)) for n in range(20)], x), x * x * np.exp(-x))


def exp_even() -> Fit:
    """(x - c) / x^2 of x^2, where e^x = 1 + x + x c / (2 - c): it is (x coth(x/2) - 2) / x^2."""
    s = chebyshev_grid(1e-12, (log(2.0) / 2.0) ** 2)
    # x coth(x/2) = 2 + x^2/6 - x^4/360 + x^6/15120 - ...: twice the Bernoulli numbers over factorials.
    terms = [Fraction(1, 6), Fraction(-1, 360), Fraction(1, 15120), Fraction(-1, 604800), Fraction(1, 23950080)]
    x = np.sqrt(s)
    # An error d of c is one of 2 x d / (2 - c)^2, with c near x.
    return Fit(s, series(terms, s), 2.0 * x * s / (2.0 - x) ** 2 * np.exp(-x))


def log_rest() -> Fit:
    """(log(1+f) - f + f^2/2) / f^3."""
    f = chebyshev_grid(sqrt(0.5) - 1.0, sqrt(2.0) - 1.0)
    near = np.abs(f) < 0.02
    far = np.where(near, 1.0, f)
    target = (np.log1p(far) - far + far * far / 2.0) / far**3
    target = np.where(near, series([Fraction((-1) ** n, n + 3) for n in range(12)], np.where(near, f, 0.0)), target)
    return Fit(f, target, f * f * np.abs(f / np.log1p(f)))


def log_odd() -> Fit:
    """R / z of z = s^2, where log(1+f) = 2 s + s R and s = f / (2 + f)."""
    z = chebyshev_grid(1e-12, (sqrt(2.0) - 1.0) ** 4)
    target = series([Fraction(2, 2 * n + 3) for n in range(25)], z)
    return Fit(z, target, z / (2.0 + z * target))


def tanh_rest() -> Fit:
    """(tanh(x) / x - 1) / s of s = x^2."""
    s = chebyshev_grid(2.0**-24, 1.0)
    x = np.sqrt(s)
    near = s < 1e-3
    target = np.where(near, series(TANH, np.where(near, s, 0.0)), (np.tanh(x) / x - 1.0) / s)
    return Fit(s, target, s * x / np.tanh(x))


def tanh_divisor() -> Fit:
    """D of s = x^2, where tanh(x) = x - x s / D."""
    s = chebyshev_grid(2.0**-24, 1.0)
    x = np.sqrt(s)
    near = s < 1e-2
    gap = np.where(near, 1.0, x - np.tanh(x))
    target = np.where(near, series(reciprocal([-term for term in TANH]), np.where(near, s, 0.0)), s * x / gap)
    return Fit(s, target, s * x / target**2 / np.tanh(x))


TANH = [
    Fraction(-1, 3),
    Fraction(2, 15),
    Fraction(-17, 315),
    Fraction(62, 2835),
    Fraction(-1382, 155925),
    Fraction(21844, 6081075),
    Fraction(-929569, 638512875),
    Fraction(6404582, 10854718875),
]
"""Of (tanh(x) / x - 1) / x^2 in powers of x^2."""


def constants() -> Mapping[str, Mapping[str, Float64]]:
    """By problem and baseline, in the order in which the files name them."""
    return {
        "numeric-exp": {
            "minimax-horner-6": exp_whole().polynomial(7),
            "minimax-estrin-6": exp_rest().polynomial(5),
            "minimax-compensated-6": exp_rest().polynomial(5),
            "minimax-compensated-7": exp_rest().polynomial(6),
            "minimax-quotient": exp_even().polynomial(2),
        },
        "numeric-log": {
            "minimax-horner-9": log_rest().polynomial(7),
            "minimax-estrin-8": log_rest().polynomial(6),
            "minimax-artanh-3": log_odd().polynomial(3),
            "minimax-artanh-4": log_odd().polynomial(4),
            "minimax-artanh-halved": log_odd().polynomial(3),
        },
        "numeric-tanh": {
            "minimax-horner-13": tanh_rest().polynomial(6),
            "minimax-horner-15": tanh_rest().polynomial(7),
            "minimax-estrin-13": tanh_rest().polynomial(6),
            "minimax-rational": tanh_rest().rational(3, 2),
            "minimax-quotient-4": tanh_divisor().polynomial(4),
            "minimax-quotient-5": tanh_divisor().polynomial(5),
        },
    }
