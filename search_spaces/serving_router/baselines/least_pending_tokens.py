"""Least pending tokens, weighted by speed.

Least pending tokens: prompt tokens still to prefill, with a small weight on what is running.

Source: queue-size balancing by tokens
"""

SPEED_POWER = 0.0  # tune: 0..2
RUNNING_WEIGHT = 1.0  # tune: 0.1..1000 log


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        tokens = replica.prefill_tokens + head.prompt_tokens + RUNNING_WEIGHT * replica.running
        score = tokens / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
