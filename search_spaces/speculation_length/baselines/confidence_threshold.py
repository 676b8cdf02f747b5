"""Draft until the product of the drafter's confidences would fall below a threshold that rises with the batch.

Source: SpecDec++ (Huang et al. 2024), EAGLE-2 (Li et al. 2024): confidence as acceptance
"""

from math import log

THRESHOLD = 0.3  # tune: 0.02..0.9 log
TRUST = 0.5  # tune: 0..1
LOAD = 1.0  # tune: 0..4
WIDTH = 1.0  # tune: 1..4


def length(sequence, batch):
    chance = TRUST * sequence.confidence + (1.0 - TRUST) * batch.acceptance
    chance = min(max(chance, 0.02), 0.98)
    least = min(0.98, THRESHOLD * (1.0 + batch.active / batch.knee) ** LOAD)
    return min(12, int(log(least) / log(chance)))


def width(sequence, batch):
    return round(WIDTH)
