"""Power of two choices, weighted by speed.

Power of two choices: the less loaded of two replicas drawn at random.

Source: Mitzenmacher 1996
"""

from random import Random

SPEED_POWER = 0.0  # tune: 0..2
_rng = Random(0)


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in _rng.sample(view.replicas, 2):
        score = (replica.running + replica.queued + 1) / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
