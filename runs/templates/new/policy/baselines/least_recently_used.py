"""Least recently used: what was idle longest goes.

Source: folklore
"""


def evict(cache):
    best, best_score = 0, -1e300
    for slot in cache.slots:
        score = slot.idle
        if score > best_score:
            best, best_score = slot.index, score
    return best
