"""Any number of replicas.

Source: yardstick
Control.
"""

from random import Random

_rng = Random(5)


def replicas(fleet):
    return _rng.uniform(1.0, fleet.most)
