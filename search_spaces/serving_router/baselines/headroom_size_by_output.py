"""Head-room admission, size by output, to least outstanding.

Head-room admission, ordered by prompt size times predicted output, to least outstanding.

Source: shortest predicted first
"""

HEADROOM = 0.03  # tune: 0..0.3
GROWTH = 0.6  # tune: 0..2
SPEED_POWER = 0.0  # tune: 0..2
PROMPT_OFFSET = 100.0  # tune: 1..3000 log
OUTPUT_POWER = 1.0  # tune: 0..2


def key(request):
    return (request.prompt_tokens + PROMPT_OFFSET) * request.predicted_output**OUTPUT_POWER


def place(head, view):
    best, best_score = HOLD, 1e300
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if left < HEADROOM * replica.total_blocks:
            continue
        score = (replica.running + replica.queued + 1) / replica.speed**SPEED_POWER
        if score < best_score:
            best, best_score = replica.index, score
    return best
