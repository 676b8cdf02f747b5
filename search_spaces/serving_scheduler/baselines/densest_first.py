"""Most promised-latency weight by predicted work first.

Source: weighted shortest processing time (Smith 1956), highest density first, on predicted lengths
"""

from math import log

PROMPT_WEIGHT = 0.3  # tune: 0.02..3 log
WEIGHT_POWER = 1.0  # tune: 0..2
AGEING = 0.01  # tune: 0.0001..1 log
HEADROOM = 0.02  # tune: 0..0.3
TARGET_S = 0.12  # tune: 0.03..0.4 log
TOKEN_S = 0.00018  # tune: 0.00005..0.0006 log
SWAP_TOKEN_S = 0.00017  # tune: 0.00001..0.001 log


def density(job):
    left = max(job.predicted_output - job.generated, 0.2 * job.generated + 1.0)
    promised = job.first_target + job.token_target * max(job.predicted_output, job.generated)
    return (left + PROMPT_WEIGHT * job.left_tokens) * promised**WEIGHT_POWER


def rank(job, engine):
    return log(density(job)) + AGEING * (engine.now - job.waited)


def chunk(job, engine):
    if job.resident == 0.0 and job.blocks + HEADROOM * engine.total_blocks > engine.free_blocks:
        return 0
    if engine.decoding == 0:
        return engine.budget
    return (TARGET_S - engine.iteration_s) / TOKEN_S


def evict(job, engine):
    return -1.0 / (1.0 + density(job))


def swap(job, engine):
    return SWAP_TOKEN_S * 16 * job.blocks - 2 * job.swap_s
