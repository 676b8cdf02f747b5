"""Earliest finish time.

Earliest finish time: prefill ahead, then this request's decode at the present pace, slower where KV is short.

Source: HEFT class
"""

PREFILL_S = 0.00025  # tune: 1e-05..0.05 log
KV_WEIGHT = 1.0  # tune: 0..8
SPEED_POWER = 1.0  # tune: 0..2


def key(request):
    return request.arrival


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        prefill = PREFILL_S * (replica.prefill_tokens + head.prompt_tokens) / replica.speed**SPEED_POWER
        over = max(0.0, (replica.peak_blocks + head.prompt_blocks) / replica.total_blocks - 1)
        score = prefill + replica.iteration_s * head.predicted_output * (1 + KV_WEIGHT * over)
        if score < best_score:
            best, best_score = replica.index, score
    return best
