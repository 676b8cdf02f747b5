"""Twice the artanh series of (x - 1) / (x + 1).

Source: Gregory 1668
"""

R1 = 0.666666687
R2 = 0.400000006
R3 = 0.285714298


def log(x):
    f = x - 1.0
    s = f / (x + 1.0)
    z = s * s
    return (s + s) + s * (z * (R1 + z * (R2 + z * R3)))
