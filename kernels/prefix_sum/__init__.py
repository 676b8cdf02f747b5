"""Problem ``prefix-sum``: running sums of floats, each as good as one kept in double."""

from ._problem import problem

__all__ = ["problem"]
