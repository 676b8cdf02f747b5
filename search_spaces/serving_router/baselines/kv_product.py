"""KV-aware product score, weighted by speed.

KV-aware product score: prefill still to do times batch size, raised where blocks run short.

Source: LMetric class
"""

SPEED_POWER = 0.0  # tune: 0..2
KV_WEIGHT = 1.0  # tune: 0..8


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        tokens = replica.prefill_tokens + head.prompt_tokens
        batch = replica.running + replica.queued + 1
        kv = (replica.used_blocks + replica.reserved_blocks + head.prompt_blocks) / replica.total_blocks
        score = tokens * batch * (1 + KV_WEIGHT * kv) / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
