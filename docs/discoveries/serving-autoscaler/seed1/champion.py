TARGET = 46.1
ALPHA = 0.911
BETA = 0.406
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
    return _state[0] + (AHEAD * _state[1] * fleet.start_s + 0.269 * (fleet.rate_30 / (abs(fleet.rate_120) + 0.22))) / 16.2 + SPARE + min(0.244, fleet.used_share) * (fleet.outstanding / fleet.start_s * (1.0 + 0.000527 * fleet.start_s)) - 0.116 * fleet.rate_120
