"""Cache-aware with a balance threshold.

The replica with the longest match, where that is a fair share of the prompt and loads are balanced; else the least
loaded.

Source: SGLang router class
"""

MATCH = 0.5  # tune: 0..1
ABSOLUTE = 16.0  # tune: 1..100 log
RELATIVE = 1.5  # tune: 1..6 log
SPEED_POWER = 1.0  # tune: 0..3


def place(head, view):
    loads = [(replica.running + replica.queued + 1) / replica.speed**SPEED_POWER for replica in view.replicas]
    least, most = min(loads), max(loads)
    if most - least > ABSOLUTE and most > RELATIVE * least:
        return loads.index(least)
    best = max(view.replicas, key=lambda replica: (replica.cached_tokens, -loads[int(replica.index)]))
    if best.cached_tokens > MATCH * head.prompt_tokens:
        return best.index
    return loads.index(least)
