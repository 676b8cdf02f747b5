"""Problem ``speculation-length``: how much is drafted for each sequence of a batch, where acceptance changes."""

from ._speculation import problem

__all__ = ["problem"]
