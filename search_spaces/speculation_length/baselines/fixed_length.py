"""One length and width for every step: the best static draft.

Source: Leviathan, Kalman and Matias 2023; Chen et al. 2023; the width as in Medusa (Cai et al. 2024)
"""

LENGTH = 4.0  # tune: 0..12
WIDTH = 1.0  # tune: 1..4


def length(sequence, batch):
    return round(LENGTH)


def width(sequence, batch):
    return round(WIDTH)
