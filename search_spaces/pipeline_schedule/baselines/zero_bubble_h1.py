"""ZB-H1: forward first up to 1F1B's limit, then backward; weights' passes fill, and catch up on later devices sooner.

Source: Qi et al. 2024 (zero bubble pipeline parallelism), handcrafted schedule H1
"""

LIMIT = 1.0  # tune: 0.7..2
OWED = 1.0  # tune: 0..4
EXTRA = 0.5  # tune: 0..4


def rank(step, device, pipeline):
    if step.weight:
        return -5.0 if device.weights > OWED * pipeline.chunks * device.index + EXTRA else -1.0
    if step.backward:
        return -3.0 - 0.01 * step.chunk
    ahead = pipeline.chunks * (pipeline.devices - device.index)
    return -4.0 - 0.01 * step.chunk if device.flying < LIMIT * ahead else -2.0
