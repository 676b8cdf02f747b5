"""Least frequently used of late, with the likeliest experts fetched beforehand.

Source: LFU expert caches with a window; FlexGen- and HOBBIT-like offloading (Tang et al. 2024)
"""

SURE = 0.5  # tune: 0.02..1
FAR = 1.0  # tune: 0..1.5
GRACE = 0.3  # tune: 0..2
RECENCY = 0.1  # tune: 0..1


def keep(expert, device):
    return expert.rate + RECENCY / (1.0 + expert.idle) + GRACE * expert.guess * expert.unused


def prefetch(expert, device):
    trusted = expert.guess if expert.ahead < 1.5 else FAR * expert.guess
    return trusted - SURE
