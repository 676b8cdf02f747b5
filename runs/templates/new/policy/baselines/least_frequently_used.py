"""Least frequently used: what was asked for least often goes, the idlest of these.

Source: folklore
"""

IDLE_WEIGHT = 0.001  # tune: 0.00001..1 log


def evict(cache):
    best, best_score = 0, -1e300
    for slot in cache.slots:
        score = IDLE_WEIGHT * slot.idle - slot.asked
        if score > best_score:
            best, best_score = slot.index, score
    return best
