"""Shortest predicted job first, by weight.

Source: Smith 1956; preemptive shortest job first
"""

WEIGHT_POWER = 1.0  # tune: 0..4


def rank(job, system):
    return job.predicted / job.weight**WEIGHT_POWER


def quantum(job, system):
    return 1e9
