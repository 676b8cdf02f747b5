HEADROOM = 0.067
GROWTH = 0.8172
PREFILL_S = 0.0246
SPEED_POWER = 0.0
PROMPT_OFFSET = 361
OUTPUT_POWER = 0.3188

def key(request):
    return (request.prompt_tokens + PROMPT_OFFSET) * request.predicted_output ** OUTPUT_POWER + 0.0311 * request.arrival

def place(head, view):
    best, best_score = (HOLD, 1e+300)
    need = head.prompt_blocks * (1 + GROWTH)
    for replica in view.replicas:
        left = replica.free_blocks - replica.reserved_blocks - need
        if left < HEADROOM * replica.total_blocks:
            continue
        prefill = PREFILL_S * head.prompt_tokens / replica.speed ** SPEED_POWER
        score = (prefill + replica.iteration_s * head.predicted_output) * abs(0.000131 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.3244 + replica.iteration_s * head.predicted_output * (1.03 + 8.0 * max(0.0, (replica.peak_blocks + head.prompt_blocks) / replica.total_blocks - 0.677))) ** 0.3 + 0.0595 * ((0.02314 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.0 * (1.0 + 0.0122 * (view.queue_length * replica.running)) + replica.iteration_s * head.predicted_output) * abs(0.02314 * (replica.prefill_tokens + head.prompt_tokens) / replica.speed ** 0.0 + replica.iteration_s * head.predicted_output) ** 0.5)
        if score < best_score:
            best, best_score = (replica.index, score)
    return best
