"""Remaining service trusted as far as its predictor was right, on the type where the job gains most.

Source: the posterior mean of a log-normal size under a log-normal error; comparative advantage as in Gavel
"""

DOUBT = 0.5  # tune: 0.02..8 log
OVERDUE = 0.7  # tune: 0.02..6 log
GPU_POWER = 0.7  # tune: 0..2
STAY = 0.3  # tune: 0..3
PICKY = 1.0  # tune: 0..3
COMPARE = 0.5  # tune: 0..3


def rank(job, offer, cluster):
    trust = 1.0 / (1.0 + DOUBT * job.error**2)
    typical = max(cluster.mean_work, cluster.round_s)
    size = job.predicted**trust * typical ** (1.0 - trust)
    left = max(size - job.done, OVERDUE * job.done * (1.0 - trust), 0.1 * cluster.round_s)
    gain = offer.speed**PICKY / max(offer.worth, 0.01) ** COMPARE
    return left * job.gpus**GPU_POWER / (gain * (1.0 + STAY * offer.held))
