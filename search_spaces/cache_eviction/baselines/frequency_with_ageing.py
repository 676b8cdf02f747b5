"""Frequency with ageing: how often it was wanted on top of the priority of the last victim.

Source: LFU with dynamic ageing (Arlitt et al. 2000), the family of GDSF and TinyLFU
"""

GHOST_WEIGHT = 0.5  # tune: 0..2
POWER = 1.0  # tune: 0.2..2


def priority(item, cache):
    counted = item.hits + 1.0 + GHOST_WEIGHT * (item.asked - item.hits - 1.0)
    return cache.floor + counted**POWER


def review(item, cache):
    return item.priority
