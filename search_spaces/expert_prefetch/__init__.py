"""Problem ``expert-prefetch``: which experts a small device keeps, and which it fetches before they are wanted."""

from ._prefetch import problem

__all__ = ["problem"]
