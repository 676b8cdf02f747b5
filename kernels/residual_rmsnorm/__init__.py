"""Problem ``residual-rmsnorm``: add a residual, keep the sum, and normalise its rows by their root mean square."""

from ._problem import problem

__all__ = ["problem"]
