"""Problem ``layernorm``: rows less their mean, over their standard deviation, scaled and shifted."""

from ._problem import problem

__all__ = ["problem"]
