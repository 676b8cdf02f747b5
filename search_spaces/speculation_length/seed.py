def length(sequence, batch):
    return 3 if batch.active < 0.25 * batch.knee else 0


def width(sequence, batch):
    return 1
