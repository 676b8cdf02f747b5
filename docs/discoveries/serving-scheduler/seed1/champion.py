TIGHT_S = 10.0
RESERVED = 0.07536
AGEING = 0.0
CLASS = 3310
HEADROOM = 0.06492
TARGET_S = 0.08239
TOKEN_S = 0.000211
SWAP_TOKEN_S = 0.0001231

def rank(job, engine):
    left = max(job.predicted_output - job.generated, 1.0)
    behind = CLASS if job.first_target > TIGHT_S else 0.631
    return (behind + left + AGEING * (engine.now - job.waited)) * min(job.blocks, 82.1)

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
    return SWAP_TOKEN_S * 19 * job.blocks - 2 * job.swap_s
