"""Least recently used, and the next layers' likeliest experts fetched beforehand.

Source: Eliseev and Mazur 2023; Pre-gated MoE (Hwang et al. 2024)
"""

SURE = 0.5  # tune: 0.02..1
FAR = 1.0  # tune: 0..1.5


def keep(expert, device):
    if expert.unused:
        return expert.priority or device.now
    return device.now - expert.idle


def prefetch(expert, device):
    trusted = expert.guess if expert.ahead < 1.5 else FAR * expert.guess
    return trusted - SURE
