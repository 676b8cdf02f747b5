PROMPT_OFFSET = 330
OUTPUT_POWER = 0.533
HEADROOM = 0.035
GROWTH = 0.113
SPEED_POWER = 0.8947

def key(request):
    return (request.prompt_tokens + PROMPT_OFFSET) * request.predicted_output ** OUTPUT_POWER * abs(request.arrival) ** 0.3 * abs(request.arrival) ** 0.3

def place(head, view):
    best, best_score = (HOLD, 1e+300)
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if left < HEADROOM * replica.total_blocks:
            continue
        score = (replica.used_blocks + replica.reserved_blocks + need) / replica.total_blocks / replica.speed ** SPEED_POWER + max(8.65e-06, 1.01e-11 * (head.prompt_tokens * replica.free_blocks / replica.speed)) * replica.context_tokens + 0.0591 * (0.0239 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.0 + replica.iteration_s * head.predicted_output)
        if score < best_score:
            best, best_score = (replica.index, score)
    return best
