"""Problem ``cache-eviction``: what a full cache lets go, with guesses of the next use that may be wrong."""

from ._eviction import problem

__all__ = ["problem"]
