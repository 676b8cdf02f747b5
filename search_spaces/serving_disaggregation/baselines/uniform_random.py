"""Uniform random.

All replicas mixed, each request on one drawn at random: the yardstick every design must beat.

Source: yardstick
Control.
"""

from random import Random

_rng = Random(0)


def role(site, plan):
    return MIXED


def prefill(request, view):
    return _rng.randrange(len(view.replicas))


def decode(request, view):
    return _rng.randrange(len(view.replicas))
