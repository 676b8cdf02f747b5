def rank(job, system):
    return job.predicted - job.attained


def quantum(job, system):
    return 1e9
