"""The length of the highest goodput: expected tokens a time, from recent acceptance and the batch's own time.

Source: SmartSpec / TurboSpec (Liu et al. 2024); the closed form of Leviathan, Kalman and Matias 2023
"""

MEMORY = 0.5  # tune: 0..1
PRIOR = 4.0  # tune: 0.1..40 log
EXPLORE = 8.0  # tune: 1..40 log


def time(tokens, knee):
    return (1.0 + (tokens / knee) ** 2) ** 0.5


def length(sequence, batch):
    own = MEMORY * sequence.recent + (1.0 - MEMORY) * sequence.rate
    chance = (sequence.tested * own + PRIOR * batch.acceptance) / (sequence.tested + PRIOR)
    drafting = batch.draft_cost * time(batch.active, batch.knee)
    best, found, gained = 0.0, 0, 0.0
    for k in range(13):
        gained += chance**k
        rate = gained / (k * drafting + time(batch.active * (1.0 + k), batch.knee))
        if rate > best:
            best, found = rate, k
    # What is never drafted is never learnt of.
    return 1 if found == 0 and sequence.idle >= EXPLORE else found


def width(sequence, batch):
    return 1
