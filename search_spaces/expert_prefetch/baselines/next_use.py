"""Belady's rule on estimates: what is expected to be wanted last goes; fetched is what is wanted before the victim.

Source: Belady 1966 on predicted reuse; trust in guesses by how often they came true
"""

STREAK = 0.15  # tune: 0..0.6
TRUST = 1.0  # tune: 0..3
PRIOR = 0.02  # tune: 0.001..0.3 log
SURE = 0.3  # tune: 0..1
PATIENCE = 1.0  # tune: 0..3


def likely(expert, device):
    known = min(0.95, expert.rate + PRIOR + (STREAK if expert.streak else 0.0))
    if expert.guess == 0.0:
        return known
    trust = min(1.0, TRUST * device.accuracy)
    return max(0.005, trust * expert.guess + (1.0 - trust) * known)


def keep(expert, device):
    # The layers until it is wanted: its next turn, and a whole step for each turn that passes it over.
    return -(expert.ahead + device.layers * (1.0 / likely(expert, device) - 1.0))


def prefetch(expert, device):
    chance = likely(expert, device)
    if chance < SURE:
        return 0.0
    wait = expert.ahead + device.layers * (1.0 / chance - 1.0)
    return max(0.0, chance / expert.ahead if wait < -PATIENCE * device.floor else 0.0)
