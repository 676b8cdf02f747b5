"""Frequency with ageing: hits count the less, the longer an object was idle.

Source: the family of GDSF and LRFU
"""

POWER = 1.0  # tune: 0.1..3
OFFSET = 1.0  # tune: 0.1..2000 log


def evict(cache):
    best, best_score = 0, -1e300
    for slot in cache.slots:
        score = (slot.idle + OFFSET) ** POWER / (slot.hits + 1.0)
        if score > best_score:
            best, best_score = slot.index, score
    return best
