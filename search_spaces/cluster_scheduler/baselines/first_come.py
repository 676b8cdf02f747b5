"""First come, first served, on the best type that is left.

Source: YARN's capacity scheduler, as Tiresias compares with it
"""

PATIENCE = 20.0  # tune: 0.5..5000 log


def rank(job, offer, cluster):
    return PATIENCE * cluster.round_s * (1.0 - offer.speed) - job.waited
