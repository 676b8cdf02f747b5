"""CLOCK: first in, first out, with a second chance for what was hit, for some times.

Source: Corbato 1968; FIFO-reinsertion
"""

CHANCES = 1.0  # tune: 1..4

_left = {}


def priority(item, cache):
    # The number of its storing stands for the object: it is unique while the object is held.
    stored = cache.now - item.age
    _left[stored] = 0.0 if item.fresh else min(CHANCES, _left.get(stored, 0.0) + 1.0)
    return cache.now if item.fresh else item.priority


def review(item, cache):
    stored = cache.now - item.age
    if _left.get(stored, 0.0) >= 1.0:
        _left[stored] -= 1.0
        return cache.now
    return item.priority
