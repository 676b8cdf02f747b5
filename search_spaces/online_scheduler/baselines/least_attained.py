"""Least attained service first, weighted.

Source: foreground-background; Nuyens and Wierman 2008; Tiresias's LAS
"""

WEIGHT_POWER = 0.5  # tune: 0..4
SHARE = 0.5  # tune: 0.05..2 log
FIRST = 0.1  # tune: 0.02..1 log


def rank(job, system):
    return (job.attained + FIRST) / job.weight**WEIGHT_POWER


def quantum(job, system):
    return FIRST + SHARE * job.attained
