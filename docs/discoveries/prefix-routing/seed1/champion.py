"""Least estimated time to the first token, moved only where it pays.

The prompt tokens ahead and the request's own uncached ones in seconds, and an iteration of those that decode for each
chunk; the replica with the longest match is kept unless another is better by a factor.

Source: Mooncake's conductor
"""

TOKEN_S = 1.42e-05  # tune: 0.00001..0.001 log
CHUNK = 1708.0  # tune: 256..8192 log
KEEP = 1.209  # tune: 1..4 log
SPEED_POWER = 0.1985  # tune: 0..2


def place(head, view):
    def estimate(replica):
        tokens = replica.prefill_tokens + head.prompt_tokens - replica.cached_tokens
        return tokens * TOKEN_S / replica.speed**SPEED_POWER + replica.iteration_s * (1 + tokens / CHUNK)

    fastest = min(view.replicas, key=estimate)
    holder = max(view.replicas, key=lambda replica: (replica.cached_tokens, -replica.prefill_tokens))
    if estimate(holder) <= KEEP * estimate(fastest):
        return holder.index
    return fastest.index
