"""Problem ``cross-entropy``: the loss of each row of logits, without a second array of their size."""

from ._problem import problem

__all__ = ["problem"]
