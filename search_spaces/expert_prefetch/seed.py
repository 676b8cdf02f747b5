def keep(expert, device):
    if expert.unused:
        return expert.priority or device.now
    return device.now - expert.idle


def prefetch(expert, device):
    return expert.guess - 0.5
