"""Interleaved 1F1B: by groups of as many micro-batches as there are devices, chunk after chunk, backward first.

Source: Narayanan et al. 2021 (Megatron-LM); with weights' passes put off until nothing else can run
"""

DEEP = 2.0  # tune: 1..4
EXTRA = 1.0  # tune: 0..6


def rank(step, device, pipeline):
    group = step.micro // pipeline.devices
    if step.weight:
        return -1.0
    if step.backward:
        return -3.0 + 0.01 * (group * pipeline.chunks + pipeline.chunks - 1 - step.chunk)
    ahead = DEEP * (pipeline.devices - device.index - 1) + (pipeline.chunks - 1) * pipeline.devices + EXTRA
    return -2.0 + 0.01 * (group * pipeline.chunks + step.chunk) if device.flying < ahead else 1.0
