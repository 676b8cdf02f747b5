"""New prefill tokens times batch size.

The product of the prompt tokens to compute (those ahead, and the new ones that are not cached) and the batch, by
speed.

Source: LMetric class
"""

SPEED_POWER = 1.0  # tune: 0..4
BATCH_POWER = 1.0  # tune: 0..3
BATCH_OFFSET = 1.0  # tune: 1..100 log


def place(head, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        tokens = replica.prefill_tokens + head.prompt_tokens - replica.cached_tokens
        batch = replica.running + replica.queued + BATCH_OFFSET
        score = tokens * batch**BATCH_POWER / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
