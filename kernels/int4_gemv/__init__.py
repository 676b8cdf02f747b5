"""Problem ``int4-gemv``: a matrix of four-bit weights, scaled by groups of 128, times a vector."""

from ._problem import problem

__all__ = ["problem"]
