"""Earliest finish, and a wait of exactly 0 s taken for a free cluster.

In the simulator no time passes between an arrival and the question where to put it: whoever has waited at all was held
before. So those that have waited are told from newcomers, and are left to the slowest replica with room.
"""

HEADROOM = 0.04
GROWTH = 0.8


def key(request):
    return (request.prompt_tokens + 40.0) * request.predicted_output


def place(head, view):
    best, best_score = HOLD, 1e300
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if left < HEADROOM * replica.total_blocks:
            continue
        score = replica.iteration_s * (head.predicted_output + 1) + replica.running / replica.speed * 0.001
        if head.waited > 0:
            score = replica.speed
        if score < best_score:
            best, best_score = replica.index, score
    return best
