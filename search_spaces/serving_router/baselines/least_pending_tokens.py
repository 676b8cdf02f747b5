"""Least pending tokens: prompt tokens still to prefill, with a small weight on what is running."""

SPEED_POWER = 0.0
RUNNING_WEIGHT = 1.0


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
