DOUBT = 0.2811
OVERDUE = 1.984
WEIGHT_POWER = 1.388
STEP = 1.309

def rank(job, system):
    trust = 1.0 / (1.0 + DOUBT * job.predictor_error ** 2)
    typical = max(system.mean_size, 0.1)
    guess = job.predicted ** trust * typical
    left = max(guess - job.attained, OVERDUE * job.attained * (1.0 - trust) + (0.01 + 0.000942 * abs(system.present / max(abs(abs(system.mean_size) + 0.736 - 0.487 * job.weight), 1e-06)) ** 0.635))
    return left / job.weight ** WEIGHT_POWER

def quantum(job, system):
    return (0.05 + STEP * job.attained + 1.31 * (0.05 * job.predictor_error ** 2.194)) * 0.859 if job.predictor_error < 0.189 else 0.05 + STEP * job.attained + 1.24 * (0.05 * job.weight ** 2.194)
