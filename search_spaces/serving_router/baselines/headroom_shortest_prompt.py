"""Head-room admission, shortest prompt first.

Head-room admission, shortest prompt first.

Source: Glia's HRA
"""

HEADROOM = 0.03  # tune: 0..0.3
GROWTH = 0.6  # tune: 0..2
SPEED_POWER = 0.0  # tune: 0..2


def key(request):
    return request.prompt_tokens


def place(head, view):
    best, best_score = HOLD, 1e300
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if left < HEADROOM * replica.total_blocks:
            continue
        score = (
            (replica.used_blocks + replica.reserved_blocks + need) / replica.total_blocks / replica.speed**SPEED_POWER
        )
        if score < best_score:
            best, best_score = replica.index, score
    return best
