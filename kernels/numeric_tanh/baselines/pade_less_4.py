"""The Pade approximant [5/4] as what is taken from x.

Source: Lambert 1770; Pade 1892
"""

A0 = 21.0000000
A1 = 0.933333337
B0 = 63.0000000
B1 = 28.0000000


def tanh(x):
    s = x * x
    return x - x * s * ((A0 + s * A1) / (B0 + s * (B1 + s)))
