"""A cache of objects of one size: what it lets go, with and without guesses of the next use."""

from ._bounds import belady_misses, next_uses
from ._cache import (
    CACHE_FIELDS,
    OBJECT_FIELDS,
    DecisionError,
    EventLimitError,
    Ordering,
    Outcome,
    simulate,
)

__all__ = [
    "CACHE_FIELDS",
    "OBJECT_FIELDS",
    "DecisionError",
    "EventLimitError",
    "Ordering",
    "Outcome",
    "belady_misses",
    "next_uses",
    "simulate",
]
