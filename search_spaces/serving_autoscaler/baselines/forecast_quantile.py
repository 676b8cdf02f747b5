"""The rate at the end of a start by its trend, at a quantile of what that may be, and work for the backlog.

Source: quantile of a forecast distribution over the start-up lag (predictive autoscaling)
"""

BUSY_S = 0.7  # tune: 0.3..2 log
QUANTILE = 0.6  # tune: 0..2
TREND = 0.5  # tune: 0..1.5
BACKLOG = 40.0  # tune: 5..200 log
KEEP_S = 60.0  # tune: 0..240

_wanted = []


def replicas(fleet):
    # The windows of 30 and 120 s have their middles 45 s apart.
    slope = (fleet.rate_30 - fleet.rate_120) / 45.0
    rate = max(fleet.rate_120 + TREND * slope * (fleet.start_s + 60.0), 0.0)
    load = BUSY_S * rate
    want = load + QUANTILE * load**0.5 + fleet.waiting / BACKLOG + 0.5
    _wanted.append((fleet.now, want))
    while _wanted[0][0] < fleet.now - KEEP_S:
        _wanted.pop(0)
    return max(each for _, each in _wanted)
