HEADROOM = 0.04408
GROWTH = 0.8172
PREFILL_S = 0.02314
SPEED_POWER = 0.0
PROMPT_OFFSET = 341.2
OUTPUT_POWER = 0.3188

def key(request):
    return (request.prompt_tokens + PROMPT_OFFSET) * request.predicted_output ** OUTPUT_POWER / max(1.0 + 6.24 * (request.prompt_blocks / request.prompt_tokens), 0.01)

def place(head, view):
    best, best_score = (HOLD, 1e+300)
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if (left + 0.319 * (replica.free_blocks / replica.speed)) * (1.0 + 0.00587 * (head.prompt_blocks * replica.peak_blocks / replica.total_blocks)) < HEADROOM * replica.total_blocks:
            continue
        prefill = PREFILL_S * ((replica.prefill_tokens + head.prompt_tokens) * (0.00172 * replica.running)) / replica.speed ** SPEED_POWER
        score = prefill + replica.iteration_s * head.predicted_output + 0.000875 * ((replica.prefill_tokens + head.prompt_tokens) * (replica.running + replica.queued) * (1 + 0.05662 * ((replica.used_blocks + replica.reserved_blocks + head.prompt_blocks) / replica.total_blocks)) / replica.speed ** 1.352)
        if score < best_score:
            best, best_score = (replica.index, score)
    return best
