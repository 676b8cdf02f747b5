"""Always as many replicas.

Source: provisioning for the peak
"""

REPLICAS = 5.0  # tune: 1..12


def replicas(fleet):
    return REPLICAS
