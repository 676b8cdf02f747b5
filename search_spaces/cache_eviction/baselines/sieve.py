"""SIEVE: a hand that passes over what was hit since it came by, and never moves it.

Source: Zhang et al. 2024
"""

ROUND = 1e8

_hit = {}


def priority(item, cache):
    stored = cache.now - item.age
    _hit[stored] = not item.fresh
    if item.fresh:
        return cache.floor // ROUND * ROUND + cache.now
    return item.priority


def review(item, cache):
    stored = cache.now - item.age
    if _hit.get(stored, False):
        _hit[stored] = False
        return item.priority + ROUND
    return item.priority
