"""Activation-aware: the text's own activations decide, and early layers, which are hard to fetch in time, stay.

Source: MoE-Infinity (Xue et al. 2024)
"""

EARLY = 0.3  # tune: 0..1
FLOOR = 0.02  # tune: 0.001..0.5 log
FOLLOW = 0.5  # tune: 0..1
NEAR = 0.5  # tune: 0..1
LEAST = 0.3  # tune: 0.02..1
GUESS = 0.5  # tune: 0..1


def keep(expert, device):
    likely = expert.rate + FLOOR
    if expert.unused:
        likely = max(likely, expert.guess)
    return likely * (1.0 - EARLY * expert.layer / device.layers)


def prefetch(expert, device):
    known = FOLLOW * expert.companion + (1.0 - FOLLOW) * expert.rate
    likely = GUESS * expert.guess + (1.0 - GUESS) * known
    return likely * (1.0 - NEAR * expert.ahead / device.layers) - LEAST
