"""Predicted least work, weighted by speed.

Predicted least work: prefill tokens and predicted decode tokens, the latter weighted, per unit of speed.

Source: Intelligent Router class
"""

SPEED_POWER = 0.0  # tune: 0..2
DECODE_WEIGHT = 1.0  # tune: 0.03..30 log


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        work = replica.prefill_tokens + head.prompt_tokens
        work = work + DECODE_WEIGHT * (replica.decode_tokens + head.predicted_output)
        score = work / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
