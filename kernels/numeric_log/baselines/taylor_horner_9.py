"""The Taylor polynomial of degree 9 in x - 1, by Horner.

Source: Mercator 1668; Horner 1819
"""

C3 = 0.333333343
C4 = -0.250000000
C5 = 0.200000003
C6 = -0.166666672
C7 = 0.142857149
C8 = -0.125000000
C9 = 0.111111112


def log(x):
    f = x - 1.0
    z = f * f
    return f + z * (f * (C3 + f * (C4 + f * (C5 + f * (C6 + f * (C7 + f * (C8 + f * C9)))))) - 0.5)
