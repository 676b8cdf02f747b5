"""Least outstanding, weighted by speed.

Fewest requests running and queued, per unit of speed; what is cached does not count.

Source: join the shortest queue
"""

SPEED_POWER = 1.0  # tune: 0..3


def place(head, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.running + replica.queued + 1) / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
