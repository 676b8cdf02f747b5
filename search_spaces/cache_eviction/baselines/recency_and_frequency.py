"""Recency and frequency in one number: each use counts, and halves in worth as time passes.

Source: LRFU (Lee et al. 2001)
"""

from math import log2

HALF_LIFE = 2.0  # tune: 0.05..20 log


def priority(item, cache):
    # log2 of the sum over all uses of 2 ** (time of use / half life): it orders as the decayed sum does at any time.
    now = cache.now / (HALF_LIFE * cache.capacity)
    if item.fresh:
        return now
    gap = max(-60.0, min(60.0, item.priority - now))
    return now + log2(1.0 + 2.0**gap)


def review(item, cache):
    return item.priority
