TOKEN_S = 1e-05
CHUNK = 1235.0
KEEP = 1.253
SPEED_POWER = 0.0

def place(head, view):
    fastest, least = (0, 1e+300)
    holder, longest, shortest, kept = (0, -1.0, 0.0, 1e+300)
    for replica in view.replicas:
        tokens = replica.prefill_tokens + head.prompt_tokens - replica.cached_tokens + 793 * min(head.first_block * replica.queued / replica.cache_blocks, 2.8)
        estimate = (tokens * TOKEN_S / replica.speed ** SPEED_POWER + min(replica.iteration_s * (0.968 + tokens / CHUNK), 18.2 * (replica.running / replica.cache_blocks))) * (1.0 + 0.313 * min(tokens / (abs(replica.cached_tokens) + 988), 2.56))
        if estimate < least:
            fastest, least = (replica.index, estimate)
        match, ahead = (replica.cached_tokens, replica.prefill_tokens)
        if match > longest or (match == longest and ahead < shortest):
            holder, longest, shortest, kept = (replica.index, match, ahead, estimate)
    if kept <= KEEP * least:
        return holder
    return fastest
