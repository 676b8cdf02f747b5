"""Weighted sum of scores for prefix, queue and memory.

Each replica scores for the share of the prompt it has cached, against its work, its batch and its memory, all weighted.

Source: inference gateways of Kubernetes (prefix, queue and KV-utilisation scorers)
"""

PREFIX_WEIGHT = 1.0  # tune: 0.01..30 log
PREFILL_WEIGHT = 0.5  # tune: 0.001..30 log
BATCH_WEIGHT = 0.1  # tune: 0.001..10 log
CONTEXT_WEIGHT = 0.1  # tune: 0.001..30 log
SPEED_POWER = 1.0  # tune: 0..3


def place(head, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        load = PREFILL_WEIGHT * replica.prefill_tokens / 4096 + BATCH_WEIGHT * (replica.running + replica.queued + 1)
        load = (load + CONTEXT_WEIGHT * replica.context_tokens / 400000) / replica.speed**SPEED_POWER
        score = load - PREFIX_WEIGHT * replica.cached_tokens / head.prompt_tokens
        if score < best_score:
            best, best_score = replica.index, score
    return best
