MIXEDS = 1.0
HARM = 0.113
AWAY_S = 0.2045
BATCH_SHARE = 0.08763
TRANSFER_WEIGHT = 0.0005306

def role(site, plan):
    return MIXED if site.rank < round(MIXEDS) else PREFILL

def prefill(request, view):
    best, best_score = (0, 1e+300)
    for replica in view.replicas:
        own = request.prompt_tokens * replica.prompt_token_s
        score = replica.prefill_tokens * replica.prompt_token_s + abs(own) ** 0.5
        if replica.decodes:
            score += AWAY_S + (HARM * own * replica.running * replica.decode_token_s + 0.00179 * (replica.decodes / (abs(replica.decodes) + 0.174))) / view.tpot_slo
        if score < best_score:
            best, best_score = (replica.index, score)
    return best

def decode(request, view):
    best, best_score = (0, 1e+300)
    for replica in view.replicas:
        batch = replica.running + replica.queued + replica.incoming + 1
        score = replica.decode_token_s * (1 + BATCH_SHARE * batch)
        score += TRANSFER_WEIGHT * replica.transfer_token_s * request.prompt_tokens
        if replica.decodes and score < best_score:
            best, best_score = (replica.index, score)
    return best
