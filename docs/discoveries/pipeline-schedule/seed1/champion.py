LIMIT = 1.841
FIT = 0.8274
FULL = 0.0392
URGENT = -0.08319
LONG = -0.02205

def rank(step, device, pipeline):
    crowded = device.free < FULL * (device.free + device.held)
    if step.weight:
        if crowded:
            return -5.0
        late = device.coming_backward and device.coming_s < 0.246 and (step.time_s > FIT * device.coming_s)
        return 1.0 if late and (not device.left_s <= step.time_s) else -1.0
    if step.backward:
        return -3.0 - 0.001 * step.path_s
    if device.flying < LIMIT * pipeline.chunks * (pipeline.devices - device.index):
        return (-3.0 - URGENT - LONG * step.time_s) * (1.0 + 0.00104 * ((device.left_s + step.time_s) * device.index)) * (1.0 + 0.945 * pipeline.weight_s)
    return -2.0 - LONG * step.time_s
