"""How finely a number is written: one of nine digits is moved in its last ones too, and keeps nine. Pure."""

from random import Random

USUAL = 4
"""Significant digits that a moved number has at least. Of a number with no more, the last ones do not matter."""


def digits_of(text: str) -> int:
    """Return with how many significant digits a number is written.

    >>> digits_of("0.166666672"), digits_of("0.50000"), digits_of("1.5e-7"), digits_of("20")
    (9, 5, 2, 2)
    """
    return len(text.lower().partition("e")[0].replace("_", "").replace(".", "").lstrip("0"))


def as_fine(value: float, digits: int) -> float:
    """Return ``value`` rounded to so many significant digits, at least the usual ones."""
    return float(f"{value:.{max(USUAL, digits)}g}")


def fineness(digits: int, rng: Random) -> float:
    """Return by how much smaller than usual a step is: 1 for a number of usual digits.

    For a finer one all sizes are alike likely, from the usual one down to a step in its last digit.
    """
    return 1.0 if digits <= USUAL else float(10.0 ** rng.uniform(2.0 - digits, 0.0))
