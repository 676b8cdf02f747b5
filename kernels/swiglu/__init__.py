"""Problem ``swiglu``: the gated activation of a transformer's feed-forward layer."""

from ._problem import problem

__all__ = ["problem"]
