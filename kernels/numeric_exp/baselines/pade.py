"""The Pade approximant [3/3].

Source: Pade 1892
"""

A0 = 120.000000
A2 = 12.0000000
B1 = 60.0000000


def exp(x):
    s = x * x
    even = A0 + A2 * s
    odd = x * (B1 + s)
    return (even + odd) / (even - odd)
