"""Discretised two-dimensional least attained service: queues by GPU time, first come first served in each.

Source: Tiresias (Gu et al. 2019)
"""

FIRST = 12.0  # tune: 0.5..200 log
GROWTH = 4.0  # tune: 1.5..16 log
QUEUES = 3.0  # tune: 1..6
PROMOTE = 8.0  # tune: 0.5..1000 log
AGE = 0.5  # tune: 0..1
STAY = 0.2  # tune: 0..1
PICKY = 0.3  # tune: 0..1


def rank(job, offer, cluster):
    queue, limit = 0, FIRST * cluster.round_s
    while job.service >= limit and queue < QUEUES - 1:
        queue, limit = queue + 1, limit * GROWTH
    if job.waited > PROMOTE * (job.service / job.gpus + cluster.round_s):
        queue = 0
    place = PICKY * (1.0 - offer.speed) - STAY * offer.held
    return queue + place - AGE * job.waited / (job.waited + 100.0 * cluster.round_s)
