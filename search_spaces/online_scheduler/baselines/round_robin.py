"""Round robin, weighted: processor sharing in the limit.

Source: Kleinrock 1967
"""

QUANTUM = 0.25  # tune: 0.05..4 log
WEIGHT_POWER = 1.0  # tune: 0..4


def rank(job, system):
    return system.now


def quantum(job, system):
    return QUANTUM * job.weight**WEIGHT_POWER
