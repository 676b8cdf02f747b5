"""The Pade approximant [3/3] in x - 1.

Source: Pade 1892
"""

A0 = 20.0000000
A1 = 20.0000000
A2 = 3.66666675
B1 = 30.0000000
B2 = 12.0000000


def log(x):
    f = x - 1.0
    return f * (A0 + f * (A1 + f * A2)) / (A0 + f * (B1 + f * (B2 + f)))
