DOUBT = 0.598
OVERDUE = 0.0478
GPU_POWER = 0.0
STAY = 0.0
PICKY = 2.222
COMPARE = 1.177

def rank(job, offer, cluster):
    trust = 1.0 / (1.0 + DOUBT * job.error ** 2)
    typical = cluster.mean_work
    size = job.predicted ** trust * typical ** (1.0 - trust)
    left = max(size - job.done, (OVERDUE * (7720 * job.error) - 0.0149 * (job.service * offer.held)) * (1.0 - trust), 0.1 * cluster.round_s)
    gain = offer.speed ** PICKY / max(abs((max(offer.worth, 0.01) * (0.856 + 0.168 * ((offer.worth + 1.48 * trust) / offer.speed))) ** COMPARE), 1e-06)
    return left * job.gpus ** GPU_POWER / max(abs(gain * (1.01 + (STAY + 4.7e-08 * size) * offer.held)), 1e-06) / max(1.0 + 0.316 * abs(offer.worth) ** 0.5, 0.01)
