"""The Pade approximant [5/4] about 1 + x, with what that sum loses brought back.

Source: the form of fdlibm's exp (Ng 1993), here with its series
"""

P1 = 0.166666672
P2 = -0.00277777785


def exp(x):
    s = x * x
    high = 1.0 + x
    low = x - (high - 1.0)
    c = x - s * (P1 + s * P2)
    return high + (low + x * c / (2.0 - c))
