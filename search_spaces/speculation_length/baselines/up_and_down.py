"""Longer after a draft that was kept whole, shorter after one that was not; none in large batches.

Source: the schedule of assisted generation in transformers (Gante 2023); vLLM's switch-off by batch size
"""

UP = 2.0  # tune: 0.2..4
DOWN = 1.0  # tune: 0.2..4
MOST = 10.0  # tune: 1..12
BUSY = 0.3  # tune: 0.02..2 log
WIDTH = 1.0  # tune: 1..4


def length(sequence, batch):
    if batch.active > BUSY * batch.knee:
        return 0
    if sequence.drafted == 0:
        return round(min(MOST, 3.0))
    if sequence.accepted >= sequence.drafted:
        return round(min(MOST, sequence.drafted + UP))
    return round(max(1.0, sequence.drafted - DOWN))


def width(sequence, batch):
    return round(WIDTH)
