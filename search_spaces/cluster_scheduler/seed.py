def rank(job, offer, cluster):
    return job.service - 0.001 * offer.speed
