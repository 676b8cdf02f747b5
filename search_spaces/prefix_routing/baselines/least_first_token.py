"""Least estimated time to the first token, moved only where it pays.

The prompt tokens ahead and the request's own uncached ones in seconds, and an iteration of those that decode for each
chunk; the replica with the longest match is kept unless another is better by a factor.

Source: Mooncake's conductor
"""

TOKEN_S = 0.00006  # tune: 0.00001..0.001 log
CHUNK = 2048.0  # tune: 256..8192 log
KEEP = 1.1  # tune: 1..4 log
SPEED_POWER = 1.0  # tune: 0..2


def place(head, view):
    fastest, least = 0, 1e300
    holder, longest, shortest, kept = 0, -1.0, 0.0, 1e300
    for replica in view.replicas:
        tokens = replica.prefill_tokens + head.prompt_tokens - replica.cached_tokens
        estimate = tokens * TOKEN_S / replica.speed**SPEED_POWER + replica.iteration_s * (1 + tokens / CHUNK)
        if estimate < least:
            fastest, least = replica.index, estimate
        match, ahead = replica.cached_tokens, replica.prefill_tokens
        if match > longest or (match == longest and ahead < shortest):
            holder, longest, shortest, kept = replica.index, match, ahead, estimate
    if kept <= KEEP * least:
        return holder
    return fastest
