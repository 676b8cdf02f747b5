"""Random priorities, and prefetches by the toss of a coin.

Source: yardstick
Control.
"""

from random import Random

_rng = Random(5)


def keep(expert, device):
    return _rng.random()


def prefetch(expert, device):
    return _rng.random() - 0.5
