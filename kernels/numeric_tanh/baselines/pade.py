"""The Pade approximant [7/6].

Source: Lambert 1770; Pade 1892
"""

A0 = 10395.0000
A1 = 1260.00000
A2 = 21.0000000
B1 = 4725.00000
B2 = 210.000000


def tanh(x):
    s = x * x
    return x * (A0 + s * (A1 + s * A2)) / (A0 + s * (B1 + s * (B2 + s)))
