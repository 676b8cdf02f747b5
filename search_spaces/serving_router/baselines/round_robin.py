"""Round robin, weighted by speed.

Weighted round robin: each replica in turn, in proportion to speed ** SPEED_POWER.

Source: folklore
"""

SPEED_POWER = 0.0  # tune: 0..2
_served = {}


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        score = (_served.get(replica.index, 0) + 1) / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    _served[best] = _served.get(best, 0) + 1
    return best
