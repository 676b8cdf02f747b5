HEADROOM = 0.0519
GROWTH = 0.8172
PREFILL_S = 0.02314
SPEED_POWER = 0.527
PROMPT_OFFSET = 341.2
OUTPUT_POWER = 0.3188

def key(request):
    return (request.prompt_tokens + PROMPT_OFFSET) * request.predicted_output ** OUTPUT_POWER * abs(request.arrival) ** 0.488 + (108000 * (request.prompt_tokens / request.prompt_blocks) + 65.0 * (request.arrival / request.prompt_blocks))

def place(head, view):
    best, best_score = (HOLD, 1e+300)
    need = abs(head.prompt_blocks * (0.967 + GROWTH)) ** 0.85
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks + need
        if left < HEADROOM * replica.total_blocks:
            continue
        prefill = PREFILL_S * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** SPEED_POWER
        score = prefill + replica.iteration_s * head.predicted_output + 0.000194 * (head.prompt_tokens * replica.used_blocks / replica.speed) + 13.4 * ((replica.running + replica.queued + 1) / replica.speed ** 1.778)
        if score < best_score:
            best, best_score = (replica.index, score)
    return best
