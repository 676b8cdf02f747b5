"""Prefill pool, decode pool and a mixed pool between.

The fastest replicas compute prompts, the last ones decode, some between are mixed and take prompts when the prefill
pool's queue is long. Decodes to the shortest estimated time of a token, the way there counted.

Source: Splitwise
"""

PREFILLS = 2.0  # tune: 0..4
MIXEDS = 2.0  # tune: 0..6
OVERFLOW_S = 0.4  # tune: 0.02..3 log
BATCH_WEIGHT = 0.1  # tune: 0.001..3 log
BATCH_SHARE = 0.02  # tune: 0.0005..10 log
TRANSFER_WEIGHT = 0.005  # tune: 0.0001..1 log


def role(site, plan):
    if site.rank < round(PREFILLS):
        return PREFILL
    if site.rank < round(PREFILLS) + round(MIXEDS):
        return MIXED
    return DECODE


def prefill(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.prefill_tokens + request.prompt_tokens) * replica.prompt_token_s
        if replica.decodes:
            score += OVERFLOW_S + BATCH_WEIGHT * replica.running * replica.decode_token_s
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
