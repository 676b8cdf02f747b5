DOUBT = 1.358
OVERDUE = 0.04338
GPU_POWER = 0.05987
STAY = 0.09567
PICKY = 2.579
COMPARE = 1.187

def rank(job, offer, cluster):
    trust = 1.0 / max(abs(1.0 + (DOUBT * job.error ** 2 + 0.00714 * (job.known - cluster.finished))), 1e-06)
    typical = max(cluster.mean_work, cluster.round_s)
    size = job.predicted ** trust * typical ** (1.0 - trust)
    left = max(size - job.done, OVERDUE * job.done / max(abs(1.0 - trust), 0.001), 0.1 * cluster.round_s)
    gain = offer.speed ** PICKY / max(offer.worth, 0.01) ** COMPARE
    return left * job.gpus ** GPU_POWER / (gain * (1.0 + STAY * offer.held)) * (1.0 + 6.33e-07 * left)
