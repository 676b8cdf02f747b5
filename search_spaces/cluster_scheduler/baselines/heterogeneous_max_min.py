"""Max-min fairness over effective throughput: who has had the least of a fair share first, where it counts most.

Source: Gavel (Narayanan et al. 2020), its policy as an order, round by round, not a program
"""

COMPARE = 1.0  # tune: 0..8
STAY = 0.1  # tune: 0..2
SCALE_POWER = 0.5  # tune: 0..2
START = 10.0  # tune: 0.1..1000 log


def rank(job, offer, cluster):
    fair = max(job.waited, cluster.round_s) / max(cluster.demand, 1.0)
    share = (job.done + 0.01 * cluster.round_s) * job.gpus**SCALE_POWER / (fair + START * cluster.round_s)
    worth = (offer.speed / max(offer.worth, 0.01)) ** COMPARE
    return share / (worth * (1.0 + STAY * offer.held))
