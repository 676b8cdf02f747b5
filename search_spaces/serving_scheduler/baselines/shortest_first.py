"""Shortest predicted job first, admitted with head-room.

Source: shortest job first on predicted lengths (SSJF, Qiu et al. 2024; learning to rank, Fu et al. 2024)
"""

PROMPT_WEIGHT = 0.3  # tune: 0..2
AGEING = 5.0  # tune: 0..100
HEADROOM = 0.02  # tune: 0..0.3
TARGET_S = 0.12  # tune: 0.03..0.4 log
TOKEN_S = 0.00018  # tune: 0.00005..0.0006 log
SWAP_TOKEN_S = 0.00017  # tune: 0.00001..0.001 log


def rank(job, engine):
    left = max(job.predicted_output - job.generated, 1.0)
    return left + PROMPT_WEIGHT * job.left_tokens + AGEING * (engine.now - job.waited)


def chunk(job, engine):
    if job.resident == 0.0 and job.blocks + HEADROOM * engine.total_blocks > engine.free_blocks:
        return 0
    if engine.decoding == 0:
        return engine.budget
    return (TARGET_S - engine.iteration_s) / TOKEN_S


def evict(job, engine):
    return -1.0 / max(job.predicted_output - job.generated, 1.0)


def swap(job, engine):
    return SWAP_TOKEN_S * 16 * job.blocks - 2 * job.swap_s
