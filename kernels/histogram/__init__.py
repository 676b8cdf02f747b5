"""Problem ``histogram``: how often each of 256 values occurs, where half of them may be one and the same."""

from ._problem import problem

__all__ = ["problem"]
