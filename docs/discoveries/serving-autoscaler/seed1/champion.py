TARGET = 60.0
ALPHA = 0.9475
BETA = 0.364
AHEAD = 0.4249
SPARE = 1.777
_state = []

def replicas(fleet):
    load = (fleet.waiting + fleet.outstanding) / TARGET
    if not _state:
        _state.extend((load, 0.0))
    before = _state[0]
    _state[0] = ALPHA * load + (1.0 - ALPHA) * (before + _state[1])
    _state[1] = BETA * (_state[0] - before) + (1.0 - BETA) * _state[1]
    return _state[0] + AHEAD * _state[1] * fleet.start_s / 15.0 + SPARE + 0.229 * fleet.rate_120
