"""Least attained service first, in levels; a new request takes the place of one that has had its share.

Source: FastServe (Wu et al. 2023), its skip-join levels by prompt length
"""

QUANTUM = 64.0  # tune: 8..512 log
PROMPT_SHARE = 0.1  # tune: 0.01..1 log
HEADROOM = 0.02  # tune: 0..0.3
PATIENCE = 4.0  # tune: 1..16 log
TARGET_S = 0.12  # tune: 0.03..0.4 log
TOKEN_S = 0.00018  # tune: 0.00005..0.0006 log
SWAP_TOKEN_S = 0.00017  # tune: 0.00001..0.001 log


def level(job):
    attained = job.generated + PROMPT_SHARE * job.prompt_tokens
    steps = 0
    while attained > QUANTUM and steps < 12:
        attained *= 0.5
        steps += 1
    return steps


def rank(job, engine):
    # A level is worth as many seconds of waiting as its requests have attained.
    return engine.now - job.waited + 2.0 ** level(job)


def chunk(job, engine):
    if job.resident == 0.0 and job.blocks + HEADROOM * engine.total_blocks > engine.free_blocks and level(job) > 1:
        return 0
    if engine.decoding == 0:
        return engine.budget
    return (TARGET_S - engine.iteration_s) / TOKEN_S


def evict(job, engine):
    had = job.generated + PROMPT_SHARE * job.prompt_tokens
    if job.preemptions == 0 and job.resident > 2.0 and had > PATIENCE * QUANTUM:
        return had
    return -1.0 / (1.0 + had)


def swap(job, engine):
    return SWAP_TOKEN_S * 16 * job.blocks - 2 * job.swap_s
