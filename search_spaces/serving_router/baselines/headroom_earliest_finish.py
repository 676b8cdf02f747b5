"""Head-room admission, size by output, to earliest finish.

Head-room admission in order of size by output, placed where the request would finish first.

Source: HRA and HEFT combined
"""

HEADROOM = 0.03  # tune: 0..0.3
GROWTH = 0.6  # tune: 0..2
PREFILL_S = 0.00025  # tune: 1e-05..0.05 log
SPEED_POWER = 1.0  # tune: 0..2
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
        prefill = PREFILL_S * (replica.prefill_tokens + head.prompt_tokens) / replica.speed**SPEED_POWER
        score = prefill + replica.iteration_s * head.predicted_output
        if score < best_score:
            best, best_score = replica.index, score
    return best
