TRUST = 0.5142
SURE = 0.502
LINK = 0.591
QUEUE = 0.1348
STAY = 0.977
OFTEN = 14.83

def keep(expert, device):
    if expert.unused:
        return expert.priority or device.now
    return device.now - expert.idle + OFTEN * expert.rate + STAY * expert.guess

def prefetch(expert, device):
    likely = expert.guess * (abs(device.accuracy) ** 0.5) ** TRUST
    price = SURE * expert.ahead ** LINK * (1.0 + QUEUE * device.queued)
    return (likely - price) * abs(expert.guess - 0.538) ** 0.3
