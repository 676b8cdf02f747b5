"""Least KV, weighted by speed.

Least KV: the smallest share of blocks in use or spoken for, per unit of speed.

Source: Llumnix class
"""

SPEED_POWER = 0.0  # tune: 0..2


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        blocks = replica.used_blocks + replica.reserved_blocks + head.prompt_blocks
        score = blocks / replica.total_blocks / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
