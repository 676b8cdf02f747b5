"""Problem ``expert-placement``: which device holds which experts of a mixture in the next window."""

from ._placement import problem

__all__ = ["problem"]
