"""Recency and frequency; guesses are fetched as far as they came true so far and the link can bear it.

Source: prefetching of known accuracy, priced by its bandwidth (ExpertFlow, He et al. 2024; Patterson et al. 1995)
"""

TRUST = 1.0  # tune: 0..4
SURE = 0.3  # tune: 0.02..1
LINK = 0.5  # tune: 0..2
QUEUE = 0.2  # tune: 0..1
STAY = 0.5  # tune: 0..4
OFTEN = 10.0  # tune: 0..40


def keep(expert, device):
    if expert.unused:
        return expert.priority or device.now
    # What is wanted often, or guessed to be wanted soon, counts as used a little later than it was.
    return device.now - expert.idle + OFTEN * expert.rate + STAY * expert.guess


def prefetch(expert, device):
    likely = expert.guess * device.accuracy**TRUST
    price = SURE * device.fetch**LINK * (1.0 + QUEUE * device.queued)
    return likely - price
