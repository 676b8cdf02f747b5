"""Preferential round robin, a robust mixture.

Source: Purohit, Svitkina and Kumar 2018 (their robust mixture), weighted
"""

TRUST = 2.0  # tune: 0..8
QUANTUM = 0.5  # tune: 0.02..4 log
WEIGHT_POWER = 0.5  # tune: 0..4


def rank(job, system):
    left = max(job.predicted - job.attained, 0.2 * job.attained)
    return (job.attained + QUANTUM + TRUST * left) / job.weight**WEIGHT_POWER


def quantum(job, system):
    return QUANTUM * (1.0 + job.attained)
