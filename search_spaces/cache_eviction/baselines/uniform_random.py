"""A random victim.

Source: yardstick
Control.
"""

from random import Random

_rng = Random(7)


def priority(item, cache):
    return _rng.random()


def review(item, cache):
    return item.priority
