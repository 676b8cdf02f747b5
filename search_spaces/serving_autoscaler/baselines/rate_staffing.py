"""What the rate of arrivals keeps busy, and a margin of its square root.

Source: square-root staffing (Halfin and Whitt 1981) on the measured rate
"""

BUSY_S = 1.1  # tune: 0.4..3 log
MARGIN = 0.6  # tune: 0..3
SHORT = 0.5  # tune: 0..1


def replicas(fleet):
    rate = SHORT * fleet.rate_30 + (1.0 - SHORT) * fleet.rate_120
    load = BUSY_S * rate
    return load + MARGIN * load**0.5 + 0.5
