"""Split by forecast load, shortest queues.

As many replicas compute prompts as the forecast prompt work needs at a given use; the others decode.
Prompts to the shortest queue in seconds, decodes to the shortest estimated time of a token, the way there counted.

Source: DistServe's placement
"""

PREFILL_USE = 0.6  # tune: 0.2..1
BATCH_SHARE = 0.02  # tune: 0.0005..10 log
TRANSFER_WEIGHT = 0.005  # tune: 0.0001..1 log
_spare = []


def role(site, plan):
    """Take replicas in order, which has the fastest first, until their prompt tokens a second cover the forecast's."""
    if not _spare:
        _spare.append(plan.rate * plan.prompt_tokens / PREFILL_USE)
    if (_spare[0] > 0 or site.index == 0) and site.index < plan.replicas - 1:
        _spare[0] -= 1 / site.prompt_token_s
        return PREFILL
    return DECODE


def prefill(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.prefill_tokens + request.prompt_tokens) * replica.prompt_token_s
        if replica.prefills and score < best_score:
            best, best_score = replica.index, score
    return best


def decode(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        batch = replica.running + replica.queued + replica.incoming + 1
        score = replica.decode_token_s * (1 + BATCH_SHARE * batch)
        score += TRANSFER_WEIGHT * replica.transfer_token_s * request.prompt_tokens
        if replica.decodes and score < best_score:
            best, best_score = replica.index, score
    return best
