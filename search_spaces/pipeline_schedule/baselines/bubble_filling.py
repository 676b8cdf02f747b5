"""Heuristic zero bubble: weights' passes where they fit before what is coming, waiting where nothing fits.

Source: the automatic schedule of Qi et al. 2024, its grid of choices as constants
"""

LIMIT = 1.5  # tune: 0.7..3
FIT = 1.2  # tune: 0.1..10 log
FULL = 0.1  # tune: 0..0.6
URGENT = 1.0  # tune: -2..2
LONG = 0.1  # tune: -1..1


def rank(step, device, pipeline):
    crowded = device.free < FULL * (device.free + device.held)
    if step.weight:
        if crowded:
            return -5.0
        late = device.coming_backward and device.coming_s > 0.0 and step.time_s > FIT * device.coming_s
        return 1.0 if late and not device.left_s <= step.time_s else -1.0
    if step.backward:
        return -3.0 - 0.001 * step.path_s
    if device.flying < LIMIT * pipeline.chunks * (pipeline.devices - device.index):
        return -3.0 - URGENT - LONG * step.time_s
    return -2.0 - LONG * step.time_s
