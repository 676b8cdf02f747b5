"""A small queue for newcomers, a main queue with second chances for what was hit there or came back from the ghosts.

Source: 2Q (Johnson and Shasha 1994), S3-FIFO (Yang et al. 2023), as deadlines
"""

SMALL = 0.2  # tune: 0.02..1 log
RETURN = 1.5  # tune: 0.25..4 log

_chances = {}


def priority(item, cache):
    stored = cache.now - item.age
    if item.fresh:
        _chances[stored] = 0
        returns = 0.0 < item.ghost < RETURN * cache.capacity
        return cache.now if returns else cache.now - (1.0 - SMALL) * cache.capacity * 4.0
    _chances[stored] = min(3, _chances.get(stored, 0) + 1)
    return item.priority


def review(item, cache):
    stored = cache.now - item.age
    if _chances.get(stored, 0) > 0:
        _chances[stored] -= 1
        return cache.now
    return item.priority
