LIMIT = 1.59
FIT = 0.95
FULL = 0.0392
URGENT = -0.08319
LONG = -0.02205

def rank(step, device, pipeline):
    crowded = device.free < FULL * (device.free + device.held)
    if step.weight:
        if crowded:
            return -5.0 * (1.0 + 0.0124 * step.path_s)
        late = pipeline.kept and device.coming_s > 0.0 and (step.time_s > FIT * device.coming_s)
        return 1.0 if late and (not device.left_s <= step.time_s) else -1.0
    if step.backward:
        return (-3.0 * (1.0 + 2.53 * (pipeline.weight_s / (abs(device.coming_backward) + 0.145))) - 0.001 * step.path_s + 0.651 * (-3.0 - 0.001 * step.path_s)) / max(1.0 + 0.475 * (device.coming_s / (abs(step.weight) + 0.333) * (1.0 + 0.945 * pipeline.weight_s) * step.ready_s), 0.01) - 2.05 * (step.backward / (abs(step.ready_s) + 1.46))
    if device.flying < LIMIT * pipeline.chunks * (pipeline.devices - device.index):
        return -3.0 - URGENT - LONG * step.time_s
    return -2.05 - LONG * step.time_s
