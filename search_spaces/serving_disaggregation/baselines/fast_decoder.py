"""The fastest replica decodes, all others compute prompts.

One fast replica is enough for what decodes, if few prompts disturb it: it takes one only where the wait elsewhere is
longer than what a prompt costs those beside it, which is more the more they are and the tighter their objective is.

Source: phases placed by what each needs on unequal GPUs (HexGen-2 class)
"""

MIXEDS = 1.0  # tune: 1..3
HARM = 0.3  # tune: 0.01..10 log
AWAY_S = 0.1  # tune: 0.003..3 log
BATCH_SHARE = 0.01  # tune: 0.0005..10 log
TRANSFER_WEIGHT = 0.01  # tune: 0.0001..1 log


def role(site, plan):
    return MIXED if site.rank < round(MIXEDS) else PREFILL


def prefill(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        own = request.prompt_tokens * replica.prompt_token_s
        score = replica.prefill_tokens * replica.prompt_token_s + own
        if replica.decodes:
            score += AWAY_S + HARM * own * replica.running * replica.decode_token_s / view.tpot_slo
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
