def rank(job, engine):
    return engine.now - job.waited


def chunk(job, engine):
    if job.resident == 0.0 and job.blocks > engine.free_blocks:
        return 0
    return engine.budget


def evict(job, engine):
    return -job.resident


def swap(job, engine):
    return 0
