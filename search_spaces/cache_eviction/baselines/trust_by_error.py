"""Expected next use: the guess, trusted as far as the last ones were right, and else what frequency says.

Source: the robust combinations of Antoniadis et al. 2020 and Wei 2020, as a weighted geometric mean
"""

DOUBT = 1.0  # tune: 0.1..10 log
REACH = 4.0  # tune: 0.5..50 log
OVERDUE = 1.0  # tune: 0.1..10 log


def priority(item, cache):
    trust = 1.0 / (1.0 + (DOUBT * cache.error) ** 2)
    by_frequency = REACH * cache.capacity / item.asked
    return -(cache.now + item.predicted**trust * by_frequency ** (1.0 - trust))


def review(item, cache):
    # What was expected before now and did not come is expected anew, the later the longer it was idle.
    if cache.now > -item.priority:
        return -(cache.now + OVERDUE * item.idle)
    return item.priority
