"""Highest density first: weight by predicted remainder.

Source: SPRPT (Mitzenmacher 2019), highest density first (Becchetti et al. 2006)
"""

WEIGHT_POWER = 1.0  # tune: 0..4
OVERDUE = 1.0  # tune: 0..4
STEP = 0.5  # tune: 0.05..4 log


def rank(job, system):
    left = job.predicted - job.attained
    if left <= 0.0:
        left = OVERDUE * job.attained
    return left / job.weight**WEIGHT_POWER


def quantum(job, system):
    left = job.predicted - job.attained
    return max(STEP * (job.attained + 0.1), left, 0.02)
