HEADROOM = 0.0544
GROWTH = 0.8172
PREFILL_S = 0.024
SPEED_POWER = 0.0
PROMPT_OFFSET = 339
OUTPUT_POWER = 0.275

def key(request):
    return (request.prompt_tokens + PROMPT_OFFSET) * request.predicted_output ** OUTPUT_POWER

def place(head, view):
    best, best_score = (HOLD, 1e+300)
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if left < HEADROOM * replica.total_blocks:
            continue
        prefill = PREFILL_S / replica.speed ** SPEED_POWER
        score = prefill + replica.iteration_s * head.predicted_output + 0.283 * (0.0001796 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.3244 + replica.iteration_s * head.predicted_output * (1 + 8.0 * max(0.0, (replica.peak_blocks + head.prompt_blocks) / replica.total_blocks - 1))) + 1.42 * (0.02314 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.382 + (replica.iteration_s * head.predicted_output - 0.0803 * (head.prompt_blocks * replica.peak_blocks / replica.total_blocks)) + 145 * ((replica.used_blocks + replica.reserved_blocks + 0.0243 * view.queue_tokens) / replica.total_blocks / replica.speed ** 0.192) + 0.624 * (0.02314 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.0 + replica.iteration_s * head.predicted_output)) + 3.85e-05 * (head.prompt_tokens * replica.peak_blocks)
        if score < best_score:
            best, best_score = (replica.index, score)
    return best
