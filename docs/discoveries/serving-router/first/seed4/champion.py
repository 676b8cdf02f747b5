PROMPT_OFFSET = 700
OUTPUT_POWER = 0.242
HEADROOM = 0.0327
GROWTH = 0.8172
PREFILL_S = 0.02314
SPEED_POWER = 0.0816

def key(request):
    return (request.prompt_tokens + PROMPT_OFFSET) * request.predicted_output ** OUTPUT_POWER * (1.0 + 0.000148 * request.predicted_output)

def place(head, view):
    best, best_score = (HOLD, 1e+300)
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if left < HEADROOM * replica.total_blocks:
            continue
        prefill = PREFILL_S * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** SPEED_POWER
        score = replica.iteration_s * head.predicted_output + 0.000561 * (view.queue_tokens * replica.context_tokens / replica.total_blocks) + 0.185 * (replica.speed ** 0.0 + replica.iteration_s * head.predicted_output + 0.862 * ((replica.running + replica.queued + 0.801) / replica.speed ** 0.339) + 1.47 * (0.02314 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.0 + replica.iteration_s * head.predicted_output))
        if score < best_score:
            best, best_score = (replica.index, score)
    return best
