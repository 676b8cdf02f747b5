"""No speculation.

Source: folklore
"""


def length(sequence, batch):
    return 0


def width(sequence, batch):
    return 1
