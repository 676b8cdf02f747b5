"""Problem ``softmax``: the exponentials of each row's elements over their sum."""

from ._problem import problem

__all__ = ["problem"]
