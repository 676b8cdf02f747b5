"""First come, first served; all that fits joins; who joined last is preempted and recomputed.

Source: vLLM (Kwon et al. 2023), version 1's default order with continuous batching
"""

CHUNK = 2048  # tune: 128..2048 log


def rank(job, engine):
    return engine.now - job.waited


def chunk(job, engine):
    if job.resident == 0.0 and job.blocks > engine.free_blocks:
        return 0
    return CHUNK - engine.joined_tokens


def evict(job, engine):
    return -job.resident


def swap(job, engine):
    return 0
