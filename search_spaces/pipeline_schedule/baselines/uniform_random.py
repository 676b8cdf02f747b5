"""A random rank for every pass.

Source: yardstick
Control.
"""

from random import Random

_rng = Random(5)


def rank(step, device, pipeline):
    return -_rng.random()
