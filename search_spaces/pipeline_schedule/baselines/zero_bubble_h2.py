"""ZB-H2: enough forward passes to fill the devices before the first backward pass, then weights' passes for bubbles.

Source: Qi et al. 2024 (zero bubble pipeline parallelism), handcrafted schedule H2
"""

LIMIT = 2.0  # tune: 0.7..3
LESS = 1.0  # tune: 0..6
FULL = 0.1  # tune: 0..0.6


def rank(step, device, pipeline):
    if step.weight:
        crowded = device.free < FULL * (device.free + device.held)
        return -3.5 if crowded else -1.0
    if step.backward:
        return -3.0 - 0.01 * step.chunk
    ahead = pipeline.chunks * (LIMIT * (pipeline.devices - device.index) - LESS)
    return -4.0 if device.flying < ahead else -2.0
