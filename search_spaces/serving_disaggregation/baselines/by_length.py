"""Long prompts to prefill replicas, short ones stay.

A few fast replicas compute long prompts only; short ones go to mixed replicas, where they disturb little, and stay.

Source: hybrids of colocation and disaggregation (TaiChi class)
"""

PREFILLS = 1.0  # tune: 0..3
LONG_TOKENS = 1500.0  # tune: 100..8192 log
BATCH_WEIGHT = 0.1  # tune: 0.001..3 log
AWAY_S = 0.3  # tune: 0.01..3 log
BATCH_SHARE = 0.02  # tune: 0.0005..10 log
TRANSFER_WEIGHT = 0.005  # tune: 0.0001..1 log


def role(site, plan):
    return PREFILL if site.rank < round(PREFILLS) else MIXED


def prefill(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.prefill_tokens + request.prompt_tokens) * replica.prompt_token_s
        score += BATCH_WEIGHT * replica.running * replica.decode_token_s
        if (request.prompt_tokens > LONG_TOKENS) == (replica.decodes > 0):
            score += AWAY_S
        if score < best_score:
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
