"""The class with the tighter promise first, shortest predicted first within it; the other has a share of the memory.

Source: priority classes with reserved capacity; two-level scheduling of interactive and batch requests
"""

TIGHT_S = 10.0
RESERVED = 0.2  # tune: 0..0.8
AGEING = 5.0  # tune: 0..100
CLASS = 3000.0  # tune: 0..20000
HEADROOM = 0.02  # tune: 0..0.3
TARGET_S = 0.12  # tune: 0.03..0.4 log
TOKEN_S = 0.00018  # tune: 0.00005..0.0006 log
SWAP_TOKEN_S = 0.00017  # tune: 0.00001..0.001 log


def rank(job, engine):
    left = max(job.predicted_output - job.generated, 1.0)
    behind = CLASS if job.first_target > TIGHT_S else 0.0
    return behind + left + AGEING * (engine.now - job.waited)


def chunk(job, engine):
    kept = HEADROOM + (RESERVED if job.first_target > TIGHT_S else 0.0)
    if job.resident == 0.0 and job.blocks + kept * engine.total_blocks > engine.free_blocks:
        return 0
    if engine.decoding == 0:
        return engine.budget
    return (TARGET_S - engine.iteration_s) / TOKEN_S


def evict(job, engine):
    return -job.resident - (0.0 if job.first_target > TIGHT_S else 1000.0)


def swap(job, engine):
    return SWAP_TOKEN_S * 16 * job.blocks - 2 * job.swap_s
