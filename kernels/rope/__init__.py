"""Problem ``rope``: rotary position embedding, in the form that rotates the two halves of a head."""

from ._problem import problem

__all__ = ["problem"]
