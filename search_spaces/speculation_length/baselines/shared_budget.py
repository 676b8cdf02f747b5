"""Tokens to check are a budget near the knee, shared equally by the sequences of the step.

Source: draft lengths by batch size (SmartSpec's table; Su, Giannoula and Pekhimenko 2023)
"""

BUDGET = 0.6  # tune: 0.05..4 log
MOST = 6.0  # tune: 1..12
WIDTH = 1.0  # tune: 1..4


def length(sequence, batch):
    share = BUDGET * batch.knee / batch.active - 1.0
    return round(max(0.0, min(MOST, share / round(WIDTH))))


def width(sequence, batch):
    return round(WIDTH)
