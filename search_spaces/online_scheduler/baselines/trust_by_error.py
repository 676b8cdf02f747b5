"""Predicted remainder, trusted as far as its predictor was right.

Source: the posterior mean of a log-normal size under a log-normal error; Gittins-like overdue rule
"""

DOUBT = 1.0  # tune: 0.02..8 log
OVERDUE = 0.7  # tune: 0..6
WEIGHT_POWER = 0.7  # tune: 0..4
STEP = 0.5  # tune: 0.05..4 log


def rank(job, system):
    trust = 1.0 / (1.0 + DOUBT * job.predictor_error**2)
    typical = max(system.mean_size, 0.1)
    guess = job.predicted**trust * typical ** (1.0 - trust)
    left = max(guess - job.attained, OVERDUE * job.attained * (1.0 - trust) + 0.01)
    return left / job.weight**WEIGHT_POWER


def quantum(job, system):
    return 0.05 + STEP * job.attained
