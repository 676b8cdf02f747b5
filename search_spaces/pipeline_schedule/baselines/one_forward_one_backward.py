"""1F1B: backward passes first, weights' passes at once, and a limit on micro-batches in flight.

Source: PipeDream-flush (Narayanan et al. 2021), Megatron-LM
"""

SLACK = 1.0  # tune: 0.7..2.5
EXTRA = 0.5  # tune: 0..6


def rank(step, device, pipeline):
    if step.weight:
        return -3.0
    if step.backward:
        return -2.0
    ahead = pipeline.devices - device.index + EXTRA
    return -1.0 if device.flying < SLACK * pipeline.chunks * ahead else 1.0
