"""Least slack first: who is nearest to breaking its promise.

Source: earliest deadline first; deadline head-room of SLO-aware serving (start + first target + token target x tokens)
"""

LENGTH_SHARE = 0.3  # tune: 0..1
WORK_S = 0.03  # tune: 0..0.1
HEADROOM = 0.02  # tune: 0..0.3
TARGET_S = 0.12  # tune: 0.03..0.4 log
TOKEN_S = 0.00018  # tune: 0.00005..0.0006 log
SWAP_TOKEN_S = 0.00017  # tune: 0.00001..0.001 log


def slack(job, engine):
    left = max(job.predicted_output - job.generated, 1.0)
    due = job.first_target + LENGTH_SHARE * job.token_target * max(job.predicted_output, job.generated)
    return due - job.waited - WORK_S * left


def rank(job, engine):
    return engine.now + slack(job, engine)


def chunk(job, engine):
    if job.resident == 0.0 and job.blocks + HEADROOM * engine.total_blocks > engine.free_blocks:
        return 0
    if engine.decoding == 0:
        return engine.budget
    return (TARGET_S - engine.iteration_s) / TOKEN_S


def evict(job, engine):
    return min(slack(job, engine) - 1000.0, -1.0)


def swap(job, engine):
    return SWAP_TOKEN_S * 16 * job.blocks - 2 * job.swap_s
