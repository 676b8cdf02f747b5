"""All replicas mixed: prompts to the least work ahead, and a decoding batch counted as work."""


def role(site, plan):
    return MIXED


def prefill(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.prefill_tokens + request.prompt_tokens) * replica.prompt_token_s
        score = score + 0.1 * replica.running * replica.decode_token_s
        if replica.prefills and score < best_score:
            best, best_score = replica.index, score
    return best


def decode(request, view):
    best, best_score = 0, 1e300
    for replica in view.replicas:
        score = (replica.running + replica.queued + replica.incoming + 1) * replica.decode_token_s
        if replica.decodes and score < best_score:
            best, best_score = replica.index, score
    return best
