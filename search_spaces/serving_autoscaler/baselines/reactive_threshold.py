"""One step up where memory is full, one step down where it is empty, with a pause after each.

Source: threshold rules of cloud autoscaling groups (simple and step scaling)
"""

HIGH = 0.6  # tune: 0.2..1
LOW = 0.3  # tune: 0..0.6
STEP = 1.0  # tune: 1..4
PAUSE_S = 60.0  # tune: 0..400

_last = [-1e9]


def replicas(fleet):
    size = fleet.up + fleet.starting
    if fleet.now - _last[0] < PAUSE_S:
        return size
    if fleet.used_share > HIGH or fleet.waiting > 0.0:
        _last[0] = fleet.now
        return size + STEP
    if fleet.used_share < LOW:
        _last[0] = fleet.now
        return size - 1.0
    return size
