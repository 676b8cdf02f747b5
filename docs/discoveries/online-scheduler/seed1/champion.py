DOUBT = 0.2811
OVERDUE = 1.984
WEIGHT_POWER = 1.29
STEP = 1.309

def rank(job, system):
    trust = 1.0 / (1.0 + DOUBT * job.predictor_error ** 2)
    typical = max(system.mean_size, 0.1)
    guess = job.predicted ** trust * typical ** (1.0 - trust)
    left = max(guess - job.attained, OVERDUE * job.attained * (1.0 - trust) + (0.01 + 0.000987 * abs(system.present * (abs(system.mean_size) + 0.736) / max(1.0 + 1.28e-05 * system.now, 0.01)) ** 0.5))
    return left / job.weight ** WEIGHT_POWER

def quantum(job, system):
    return (0.05 + STEP * job.attained + 1.31 * (0.05 * job.weight ** 2.194) + 1.74e-10 * 1000000000.0) * max(job.predictor_error, 0.78)
