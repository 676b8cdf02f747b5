"""Colocated, least work.

All replicas mixed with chunked prefill; prompts to the least work ahead, where a decoding batch counts as work.

Source: vLLM behind a balancer of work
"""

BATCH_WEIGHT = 0.1  # tune: 0.001..3 log
CONTEXT_WEIGHT = 0.001  # tune: 0.00001..1 log


def role(site, plan):
    return MIXED


def prefill(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.prefill_tokens + request.prompt_tokens) * replica.prompt_token_s
        batch = BATCH_WEIGHT * (replica.running + replica.queued) + CONTEXT_WEIGHT * replica.context_tokens / 1000
        score += batch * replica.decode_token_s
        if score < best_score:
            best, best_score = replica.index, score
    return best


def decode(request, view):
    return 0
