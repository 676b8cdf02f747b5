"""Whatever most of the iteration still waits for goes first.

Source: HEFT's upward rank (Topcuoglu et al. 2002) as a list schedule
"""

FORWARD = 0.6  # tune: 0.1..3 log
WEIGHT = 1.0  # tune: 0.1..10 log
LONG = 0.0  # tune: -4..4


def rank(step, device, pipeline):
    value = FORWARD if step.forward else 1.0
    value = WEIGHT if step.weight else value
    return -value * step.path_s + LONG * step.time_s - 1000.0
