DOUBT = 0.2811
OVERDUE = 2.11
WEIGHT_POWER = 1.29
STEP = 1.309

def rank(job, system):
    trust = 1.0 / (1.0 + DOUBT * job.predictor_error ** 2)
    typical = max(system.mean_size, 0.0982)
    guess = job.predicted ** trust * typical ** (1.0 - trust)
    left = max(guess - job.attained, OVERDUE * job.attained * (1.0 - trust) + 0.01 / max(1.0 + 1.14e-05 * system.now, 0.0139))
    return left / job.weight ** WEIGHT_POWER

def quantum(job, system):
    return (0.05 + STEP * job.attained + 1.31 * (0.05 * job.weight ** 2.194)) * (1.0 + 0.476 * max(job.predictor_error, 0.301))
