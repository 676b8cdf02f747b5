"""Finish-time fairness: who would finish latest, relative to a share of its own, goes first.

Source: Themis (Mahajan et al. 2020), its auction as an order
"""

DOUBT = 0.5  # tune: 0.02..8 log
FILTER = 0.5  # tune: 0..4
STAY = 0.2  # tune: 0..8
PICKY = 0.5  # tune: 0..8


def rank(job, offer, cluster):
    trust = 1.0 / (1.0 + DOUBT * job.error**2)
    typical = max(cluster.mean_work, cluster.round_s)
    size = job.predicted**trust * typical ** (1.0 - trust)
    left = max(size - job.done, 0.2 * job.done, 0.1 * cluster.round_s)
    rho = (job.waited + left) / ((job.done + left) * max(cluster.demand, 1.0) ** FILTER)
    return -rho * (1.0 + STAY * offer.held) * offer.speed**PICKY
