"""First come, first served, admitted only where the predicted growth of all that run leaves room.

Source: head-room admission (Glia, 2025), on predicted peaks of KV memory
"""

SHARE = 1.3  # tune: 0.8..2.5
GROWTH = 1.0  # tune: 0..1.5
TARGET_S = 0.12  # tune: 0.03..0.4 log
TOKEN_S = 0.00018  # tune: 0.00005..0.0006 log
SWAP_TOKEN_S = 0.00017  # tune: 0.00001..0.001 log


def rank(job, engine):
    return engine.now - job.waited


def chunk(job, engine):
    if job.resident == 0.0:
        grown = job.blocks + GROWTH * max(job.predicted_output - job.generated, 0.0) / 16.0
        if job.blocks > engine.free_blocks or engine.peak_blocks + grown > SHARE * engine.total_blocks:
            return 0
    if engine.decoding == 0:
        return engine.budget
    return (TARGET_S - engine.iteration_s) / TOKEN_S


def evict(job, engine):
    return -job.resident


def swap(job, engine):
    return SWAP_TOKEN_S * 16 * job.blocks - 2 * job.swap_s
