"""The Pade approximant [7/6] as what is taken from x.

Source: Lambert 1770; Pade 1892
"""

A0 = 3465.00000
A1 = 189.000000
B0 = 10395.0000
B1 = 4725.00000
B2 = 210.000000


def tanh(x):
    s = x * x
    return x - x * s * ((A0 + s * (A1 + s)) / (B0 + s * (B1 + s * (B2 + s))))
