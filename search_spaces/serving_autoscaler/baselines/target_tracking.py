"""So many replicas that each has its target of requests, smaller only after a while.

Source: target tracking on concurrency (Kubernetes HPA, cloud target tracking), with a stabilisation window
"""

from math import ceil

TARGET = 20.0  # tune: 6..60 log
HOLD_S = 120.0  # tune: 0..900

_wanted = []


def replicas(fleet):
    _wanted.append((fleet.now, ceil((fleet.waiting + fleet.outstanding) / TARGET)))
    while _wanted[0][0] < fleet.now - HOLD_S:
        _wanted.pop(0)
    return max(wanted for _, wanted in _wanted)
