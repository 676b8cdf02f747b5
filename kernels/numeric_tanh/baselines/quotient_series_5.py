"""What is taken from x as a quotient, its divisor a series of 5 terms.

Source: Lambert's fraction (1770) with its tail as a series
"""

D0 = 3.00000000
D1 = 1.20000005
D2 = -0.00571428565
D3 = 0.000253968261
D4 = -1.22036690e-05


def tanh(x):
    s = x * x
    return x - x * s / (D0 + s * (D1 + s * (D2 + s * (D3 + s * D4))))
