"""Level and trend of the load by double exponential smoothing, carried to the end of a start.

Source: Holt 1957; predictive horizontal scaling
"""

TARGET = 20.0  # tune: 6..60 log
ALPHA = 0.5  # tune: 0.05..1 log
BETA = 0.2  # tune: 0.01..1 log
AHEAD = 0.8  # tune: 0..2
SPARE = 0.5  # tune: 0..3

_state = []


def replicas(fleet):
    load = (fleet.waiting + fleet.outstanding) / TARGET
    if not _state:
        _state.extend((load, 0.0))
    before = _state[0]
    _state[0] = ALPHA * load + (1.0 - ALPHA) * (before + _state[1])
    _state[1] = BETA * (_state[0] - before) + (1.0 - BETA) * _state[1]
    # A decision every 15 s is a step.
    return _state[0] + AHEAD * _state[1] * fleet.start_s / 15.0 + SPARE
