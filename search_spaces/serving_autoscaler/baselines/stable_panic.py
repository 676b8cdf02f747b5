"""Concurrency of a long window, and of a short one while it is far above; no shrinking meanwhile.

Source: Knative's pod autoscaler (stable and panic windows)
"""

TARGET = 20.0  # tune: 6..60 log
PANIC = 1.6  # tune: 1..4
WINDOW_S = 120.0  # tune: 15..600 log

_seen = []
_floor = [0.0, -1e9]


def replicas(fleet):
    load = (fleet.waiting + fleet.outstanding) / TARGET
    _seen.append((fleet.now, load))
    while _seen[0][0] < fleet.now - WINDOW_S:
        _seen.pop(0)
    stable = sum(load for _, load in _seen) / len(_seen)
    if load > PANIC * max(fleet.up, 1.0):
        _floor[0] = max(_floor[0], load)
        _floor[1] = fleet.now
    if fleet.now - _floor[1] > WINDOW_S:
        _floor[0] = 0.0
    return max(stable, _floor[0]) + 0.5
