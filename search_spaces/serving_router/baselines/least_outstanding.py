"""Least outstanding, weighted by speed.

True least outstanding requests: running and queued, per unit of speed.

Source: join the shortest queue
"""

SPEED_POWER = 0.0  # tune: 0..2


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        score = (replica.running + replica.queued + 1) / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
