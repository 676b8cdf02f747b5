"""Shortest predicted remaining service first: time left on the offer by GPUs.

Source: shortest remaining service first, to which Tiresias compares; Gavel's shortest job first on types
"""

GPU_POWER = 0.7  # tune: 0..2
OVERDUE = 0.5  # tune: 0.02..4 log
STAY = 0.2  # tune: 0..2
PICKY = 1.0  # tune: 0..4


def rank(job, offer, cluster):
    left = job.predicted - job.done
    if left <= 0.0:
        left = OVERDUE * job.done
    return left * job.gpus**GPU_POWER / (offer.speed**PICKY * (1.0 + STAY * offer.held))
