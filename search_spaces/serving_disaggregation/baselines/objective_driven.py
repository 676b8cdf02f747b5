"""Split where the objective for later tokens is tight, and route by estimated times.

Mixed where decoding alone is fast enough by a factor, else a number of prefill replicas. Prompts where the first token
is expected first, decodes where the next iteration would be shortest for the memory left, the way there counted.

Source: Mooncake's conductor and Dynamo's planner class
"""

TIGHT = 2.0  # tune: 1..6
PREFILLS = 2.0  # tune: 1..4
MIXED_PENALTY_S = 0.1  # tune: 0.001..2 log
CONTEXT_WEIGHT = 0.01  # tune: 0.0001..1 log
TRANSFER_WEIGHT = 0.01  # tune: 0.0001..1 log


def role(site, plan):
    if plan.tpot_slo > TIGHT * site.decode_token_s:
        return MIXED
    if site.rank < round(PREFILLS):
        return PREFILL
    return DECODE


def prefill(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.prefill_tokens + request.prompt_tokens) * replica.prompt_token_s
        if replica.decodes:
            score += replica.iteration_s * (1 + replica.prefill_tokens / 2048)
            if replica.iteration_s > 0.8 * view.tpot_slo:
                score += MIXED_PENALTY_S
        if replica.prefills and score < best_score:
            best, best_score = replica.index, score
    return best


def decode(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        batch = replica.running + replica.queued + replica.incoming + 1
        score = replica.decode_token_s * (1 + CONTEXT_WEIGHT * batch)
        score += TRANSFER_WEIGHT * replica.transfer_token_s * request.prompt_tokens
        score += 0.0 if replica.free_blocks * 16 > request.prompt_tokens + request.predicted_output else 1.0
        if replica.decodes and score < best_score:
            best, best_score = replica.index, score
    return best
