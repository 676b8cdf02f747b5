def rank(step, device, pipeline):
    if step.backward:
        return -3.0
    if step.weight:
        return -1.0
    return -2.0 if device.flying < pipeline.devices - device.index else 1.0
