"""Any object goes.

Source: yardstick
Control.
"""

import random

_rng = random.Random(1)


def evict(cache):
    return _rng.randrange(len(cache.slots))
